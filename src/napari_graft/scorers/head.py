"""A short training of the last layer alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.seen import HeadFeatures
from napari_graft.training.examples import Box, Part, labelled_box
from napari_graft.training.losses import masked_loss
from napari_graft.training.targets import Targets, make_targets

N_STEPS = 40
RATE = 1e-3
"""So that the head moves only a little: with twenty times as much it fits the few tiles, and what it comes to
on others foretells nothing."""


def fit_head(network: ResidualUNet, tiles: Sequence[HeadFeatures], part: Part, cancel: CancelToken) -> None:
    """Train the last layer of a network on the annotated pixels of a part.

    All that lies below the head was run before, so that a step costs next to nothing.

    Raises
    ------
    Cancelled
        Between two steps, when asked to stop.
    """
    labelled = [one for one in tiles if np.any(one.example.labels(part) != UNLABELLED)]
    batches = [head_batch(network, one, part) for one in labelled]
    if not batches:
        return
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    optimiser = torch.optim.Adam(network.head.parameters(), lr=RATE)
    for step in range(N_STEPS):
        cancel.raise_if_cancelled()
        activation, targets = batches[step % len(batches)]
        logits = network.apply_head(activation)[
            (slice(None), slice(None), *map(slice, targets.values.shape[2:]))
        ]
        loss = masked_loss(logits, targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def head_batch(network: ResidualUNet, features: HeadFeatures, part: Part) -> tuple[torch.Tensor, Targets]:
    """Return the features before the head where a part is labelled, and the targets there."""
    labels = features.example.labels(part)
    coarse, fine = _box_of_head(labels, network.spec.strides[0])
    wanted = torch.from_numpy(np.ascontiguousarray(labels[fine]))[None].to(features.activation.device)
    activation = features.activation[(slice(None), slice(None), *coarse)].contiguous()
    return activation, make_targets(wanted, network.spec.offsets)


def _box_of_head(labels: NDArray[np.integer], fold: Sequence[int]) -> tuple[Box, Box]:
    """Return the box of what is labelled, in cells of the features before the head and in pixels."""
    sides = zip(labelled_box(labels), fold, strict=True)
    coarse = tuple(slice(side.start // f, -(-side.stop // f)) for side, f in sides)
    fine = tuple(slice(side.start * f, side.stop * f) for side, f in zip(coarse, fold, strict=True))
    return coarse, fine
