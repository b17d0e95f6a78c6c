"""A short training of the last layer alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.nets.padding import pad_to_stride
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.examples import Box, Example, labelled_box, near_labels
from napari_graft.training.losses import masked_loss
from napari_graft.training.targets import Targets, make_targets

N_STEPS = 40
RATE = 1e-3
"""So that the head moves only a little: with twenty times as much it fits the few tiles, and what it comes to
on others foretells nothing."""


def fit_head(
    network: ResidualUNet, examples: Sequence[Example], device: torch.device, cancel: CancelToken
) -> None:
    """Train the last layer of a network on the annotated pixels that may be learned from.

    All that lies below the head is run once, so that a step costs next to nothing.

    Raises
    ------
    Cancelled
        Between two steps, when asked to stop.
    """
    labelled = [near_labels(e, "train") for e in examples if np.any(e.train != UNLABELLED)]
    cases = [see_labelled(network, e, device, cancel) for e in labelled]
    if not cases:
        return
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    optimiser = torch.optim.Adam(network.head.parameters(), lr=RATE)
    for step in range(N_STEPS):
        cancel.raise_if_cancelled()
        seen, targets = cases[step % len(cases)]
        logits = network.answer(seen)[(slice(None), slice(None), *map(slice, targets.values.shape[2:]))]
        loss = masked_loss(logits, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


@torch.no_grad()
def see_labelled(
    network: ResidualUNet, example: Example, device: torch.device, cancel: CancelToken
) -> tuple[torch.Tensor, Targets]:
    """Return what the head sees of an example, and what it should answer."""
    cancel.raise_if_cancelled()
    image = torch.from_numpy(example.image)[None, None].to(device)
    seen = network.climb(network.encode(pad_to_stride(image, network.spec.total_stride)))
    coarse, fine = _box_of_head(example.train, network.spec.strides[0])
    labels = torch.from_numpy(np.ascontiguousarray(example.train[fine]))[None].to(device)
    return seen[(slice(None), slice(None), *coarse)].contiguous(), make_targets(labels, network.spec.offsets)


def _box_of_head(labels: NDArray[np.integer], fold: Sequence[int]) -> tuple[Box, Box]:
    """Return the box of what is labelled, in what the head sees and in pixels.

    Around it lies image that the network needs and the head does not: of a slice that was painted in a volume
    the head would answer many others.
    """
    sides = zip(labelled_box(labels), fold, strict=True)
    coarse = tuple(slice(side.start // f, -(-side.stop // f)) for side, f in sides)
    fine = tuple(slice(side.start * f, side.stop * f) for side, f in zip(coarse, fold, strict=True))
    return coarse, fine
