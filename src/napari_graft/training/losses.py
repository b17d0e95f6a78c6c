"""The targets that annotations make, the masked loss, and the loss on the held-out part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from napari_graft.core.labels import FIRST_OBJECT, UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network, pad_to_stride
from napari_graft.training.examples import Example, near_labels


@dataclass(frozen=True, slots=True)
class Targets:
    """Wanted outputs of the network, and where they are known.

    Parameters
    ----------
    values
        0 or 1, shape (N, 1 + n_offsets, *spatial), float32.
    mask
        1 where the value is known, same shape.
    """

    values: torch.Tensor
    mask: torch.Tensor


def make_targets(annotation: torch.Tensor, offsets: Sequence[Sequence[int]]) -> Targets:
    """Turn annotations into foreground and affinity targets.

    A pair of pixels has affinity 1 if both belong to one object and 0 otherwise. A pair with an unlabelled
    pixel, or with one outside the patch, is not known. A pair of two background pixels is known and 0: the
    decoder never looks at it, and a mistake of the foreground then falls into pieces that the size filter
    takes.

    Parameters
    ----------
    annotation
        Annotation labels (0 unlabelled, 1 background, 2… objects), shape (N, *spatial), integer.
    offsets
        Affinity offsets in pixels, one for each affinity channel.
    """
    is_object = annotation >= FIRST_OBJECT
    is_known = annotation != UNLABELLED
    values = [is_object]
    masks = [is_known]
    for offset in offsets:
        here, there = _pair_slices(offset)
        same, known = torch.zeros_like(is_object), torch.zeros_like(is_known)
        same[here] = (annotation[here] == annotation[there]) & is_object[here]
        known[here] = is_known[here] & is_known[there]
        values.append(same)
        masks.append(known)
    return Targets(torch.stack(values, 1).float(), torch.stack(masks, 1).float())


def _pair_slices(offset: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    here, there = [slice(None)], [slice(None)]
    for step in offset:
        here.append(slice(max(0, -step), -step if step > 0 else None))
        there.append(slice(max(0, step), step if step < 0 else None))
    return tuple(here), tuple(there)


_SMOOTHING = 1.0


def masked_loss(logits: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Add the Dice loss and the cross-entropy over the known outputs.

    Each channel counts alike, however many of its outputs are known; a channel without any counts nothing.
    The loss of a partly labelled patch therefore equals the loss of its labelled part alone.

    Parameters
    ----------
    logits
        Shape (N, K, *spatial).
    targets
        Values and mask of the same shape.

    Returns
    -------
    torch.Tensor
        Scalar, 0 where nothing is known.
    """
    axes = (0, *range(2, logits.ndim))
    n_known = targets.mask.sum(axes)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets.values, reduction="none")
    entropy = (entropy * targets.mask).sum(axes) / n_known.clamp(min=1)
    probability = torch.sigmoid(logits)
    dice = _dice_loss(probability, targets.values, targets.mask, axes)
    # Of "same object" and "border" either can be the rare answer: the Dice loss of both keeps it balanced.
    dice = (dice + _dice_loss(1 - probability, 1 - targets.values, targets.mask, axes)) / 2
    is_used = (n_known > 0).float()
    return ((entropy + dice) * is_used).sum() / is_used.sum().clamp(min=1)


def _dice_loss(
    probability: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor, axes: tuple[int, ...]
) -> torch.Tensor:
    shared = (probability * truth * mask).sum(axes)
    total = ((probability + truth) * mask).sum(axes)
    return 1 - (2 * shared + _SMOOTHING) / (total + _SMOOTHING)


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
