"""Tune the decoding of a source's network, and score it on what it was never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.metrics import evaluate
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.recipes.material import Material, Slice
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings

if TYPE_CHECKING:
    import torch

MAX_SLICES = 8
_MAX_SIDE = 768
_SCORES = ("vi", "vi_split", "vi_merge", "arand", "ap50", "ap", "f1_50", "dice")


def measure_network(
    network: ResidualUNet, structure: str, material: Material, device: torch.device
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the decode settings and the scores that go onto a card.

    The settings are tuned on the slices of the training part that choose the best checkpoint, the scores
    are taken on the test part.
    """
    predictor = Predictor(network, device)
    choice = few_slices(material.choice)
    settings = calibrate(
        [_predict(predictor, s.image) for s in choice],
        [s.annotation.astype(np.uint32) for s in choice],
        network.spec.offsets,
        structure,
    )
    scores = _score(predictor, few_slices(material.test), settings)
    return {name: float(value) for name, value in asdict(settings).items()}, scores


def few_slices(slices: Sequence[Slice]) -> list[Slice]:
    """Return at most some of the slices, spread evenly, each cut to its middle."""
    index = np.linspace(0, len(slices) - 1, min(len(slices), MAX_SLICES)).round().astype(int)
    return [_middle(slices[i]) for i in np.unique(index)]


def _middle(s: Slice) -> Slice:
    cut = tuple(
        slice(max(0, (n - _MAX_SIDE) // 2), max(0, (n - _MAX_SIDE) // 2) + _MAX_SIDE) for n in s.image.shape
    )
    return Slice(np.ascontiguousarray(s.image[cut]), np.ascontiguousarray(s.segments[cut]), s.group)


def _predict(predictor: Predictor, image: NDArray[np.float32]) -> Prediction:
    probabilities = predictor.predict_array(image)
    return Prediction(Tile((0,) * image.ndim, image.shape), probabilities[0], probabilities[1:])


def _score(predictor: Predictor, slices: Sequence[Slice], settings: DecodeSettings) -> dict[str, float]:
    scores = []
    for s in slices:
        prediction = _predict(predictor, s.image)
        found = decode(prediction.foreground, prediction.affinities, predictor.spec.offsets, settings)
        scores.append(evaluate(found, s.segments).as_dict())
    return {name: round(float(np.mean([score[name] for score in scores])), 4) for name in _SCORES}
