"""How well a source does on annotated tiles once its last layer has learned from others of them.

All below that layer runs once: its features are cached while the layer learns.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, probabilities_of
from napari_graft.nets.network import pad_to_stride
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.scorers.zero_shot import best_score, examples_to_score, zero_shot
from napari_graft.training.examples import Box, Example, Part, labelled_box, near_labels
from napari_graft.training.losses import Targets, make_targets, masked_loss


@dataclass(frozen=True, slots=True)
class _Half:
    """Half of what is annotated: a part of some tiles."""

    tiles: Sequence[HeadFeatures]
    part: Part


def few_shot(context: ScoringContext) -> float | None:
    """Return the held-out score of the source's objects after a short training of the head alone.

    The head learns from one half of the tiles and is scored on the other, and the other way round, so that
    each annotated pixel is scored by a head that has not seen it; all are scored together (`best_score`). A
    network that was imported as a finished one has no head to train and is scored as it is.

    None without annotation, or without an object in it.
    """
    network, compute = context.network, context.compute
    if not isinstance(network, ResidualUNet):
        return zero_shot(context)
    network.to(compute.device).eval()
    features = [compute_head_features(network, one, compute) for one in examples_to_score(context)]
    if not features:
        return None
    halves = _halves(features)
    predictions = [
        one
        for learned, scored in (halves, halves[::-1])
        for one in _predictions(context, network, learned, scored)
    ]
    annotations = [one.example.labels(half.part) for half in halves[::-1] for one in half.tiles]
    return best_score(context, predictions, annotations)


def _predictions(
    context: ScoringContext, network: ResidualUNet, learned: _Half, scored: _Half
) -> list[Prediction]:
    """Return the predictions of a copy of the network on one half, its head trained on the other."""
    taught = copy.deepcopy(network)
    fit_head(taught, learned.tiles, learned.part, context.compute.cancel)
    return [predict_from_features(taught, one) for one in scored.tiles]


def _halves(features: Sequence[HeadFeatures]) -> tuple[_Half, _Half]:
    """Split the tiles in two; a single one into what is trained on and what is held out in a training."""
    if len(features) == 1:
        return _Half(features, "train"), _Half(features, "validation")
    return _Half(features[::2], "both"), _Half(features[1::2], "both")


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


@dataclass(frozen=True, slots=True)
class HeadFeatures:
    """Cached features before the head, with the annotation.

    Parameters
    ----------
    activation
        Input of the head, (1, widths[0], *spatial / fold), rounded up.
    example
        The image and its annotation in the same place, (*spatial).
    """

    activation: torch.Tensor
    example: Example


@torch.no_grad()
def compute_head_features(network: ResidualUNet, example: Example, compute: ComputeContext) -> HeadFeatures:
    """Return the features before the head for an example: of a volume only near the labels.

    Raises
    ------
    Cancelled
        Before the network runs, when asked to stop.
    """
    compute.cancel.raise_if_cancelled()
    near = near_labels(example, "both")
    image = torch.from_numpy(near.image)[None, None].to(compute.device)
    activation = network.decode(network.encode(pad_to_stride(image, network.spec.total_stride)))
    return HeadFeatures(activation, near)


@torch.no_grad()
def predict_from_features(network: ResidualUNet, features: HeadFeatures) -> Prediction:
    """Return the prediction of the head of a network from its cached features."""
    shape = features.example.image.shape
    probabilities = probabilities_of(network.apply_head(features.activation), shape)
    return Prediction(Tile((0,) * len(shape), shape), probabilities[0], probabilities[1:])
