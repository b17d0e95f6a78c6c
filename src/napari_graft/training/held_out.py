"""The loss on the pixels that were kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network
from napari_graft.nets.padding import pad_to_stride
from napari_graft.training.examples import Example, near_labels
from napari_graft.training.losses import masked_loss
from napari_graft.training.targets import make_targets


class HeldOutLoss:
    """Mean masked loss over the held-out parts of the examples.

    Parameters
    ----------
    examples
        Those without held-out pixels are left out.
    device
        Where the network is.
    """

    def __init__(self, examples: Sequence[Example], device: torch.device) -> None:
        held_out = [e for e in examples if np.any(e.validation != UNLABELLED)]
        self._examples = [near_labels(e, "validation") for e in held_out]
        self._device = device

    def __bool__(self) -> bool:
        return bool(self._examples)

    @torch.inference_mode()
    def __call__(self, network: Network, cancel: CancelToken) -> float:
        """Return the loss; raise `Cancelled` between two examples when asked to stop."""
        losses, weights = [], []
        for example in self._examples:
            cancel.raise_if_cancelled()
            image = torch.from_numpy(example.image).to(self._device)[None, None]
            labels = torch.from_numpy(example.validation).to(self._device)[None]
            shape = labels.shape[1:]
            with mixed_precision(self._device):
                logits = network(pad_to_stride(image, network.spec.total_stride))
            logits = logits[(slice(None), slice(None), *map(slice, shape))].float()
            losses.append(float(masked_loss(logits, make_targets(labels, network.spec.offsets))))
            weights.append(float((labels != UNLABELLED).sum()))
        return float(np.average(losses, weights=weights))
