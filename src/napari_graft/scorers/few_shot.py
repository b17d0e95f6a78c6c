"""How well a source does on annotated tiles once its last layer has learned from others of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.head import fit_head
from napari_graft.scorers.on_tiles import best_score
from napari_graft.scorers.sighting import Sighting
from napari_graft.scorers.zero_shot import zero_shot
from napari_graft.training.examples import Example, Part, near_labels

Half = Sequence[Example]


def few_shot(sighting: Sighting) -> float | None:
    """Return the held-out score of the source's objects after a short training of the head alone.

    The head learns from one half of the tiles and is scored on the other, and the other way round, so that
    each annotated pixel is scored by a head that has not seen it; all are scored together (`best_score`). A
    network that was imported as a finished one has no head to train and is scored as it is.

    None without annotation, or without an object in it.
    """
    network = sighting.network
    if not isinstance(network, ResidualUNet):
        return zero_shot(sighting)
    halves = _halves(sighting.target.examples(network.spec))
    if not halves:
        return None
    found = [
        prediction
        for learned, scored in (halves, halves[::-1])
        for prediction in _predictions(sighting, network, learned, scored)
    ]
    return best_score(sighting, found, [*halves[1], *halves[0]])


def _predictions(sighting: Sighting, network: ResidualUNet, learned: Half, scored: Half) -> list[Prediction]:
    """Return what a copy of the network says of one half once its head has learned from the other."""
    place = sighting.workplace
    taught = copy.deepcopy(network).to(place.device).eval()
    fit_head(taught, learned, place.device, place.cancel)
    predictor = Predictor(taught, place.device)
    return [predictor.predict_image(one.image, place.cancel) for one in scored]


def _halves(examples: Sequence[Example]) -> tuple[Half, Half] | tuple[()]:
    """Part the tiles in two; a single one into what is trained on and what is held out in a training."""
    if not examples:
        return ()
    if len(examples) == 1:
        return [_only(examples[0], "train")], [_only(examples[0], "validation")]
    whole = [_only(one, "both") for one in examples]
    return whole[::2], whole[1::2]


def _only(example: Example, part: Part) -> Example:
    """Return an example whose labels to train on are those of a part, cut down to what is near them."""
    labels = example.labels(part)
    return near_labels(Example(example.image, labels, np.zeros_like(labels)), "both")
