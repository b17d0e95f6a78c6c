"""How well a source does on annotated tiles once its last layer has learned from others of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.inference.predictor import Prediction
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.head import fit_head
from napari_graft.scorers.on_tiles import best_score, examples_to_score
from napari_graft.scorers.seen import HeadFeatures, compute_head_features, predict_from_features
from napari_graft.scorers.sighting import ScoringContext
from napari_graft.scorers.zero_shot import zero_shot
from napari_graft.training.examples import Part


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
