"""Choose the settings of the decoding on annotated tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.metrics.evaluate import evaluate_annotated
from napari_graft.metrics.scores import quality
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.mutex_watershed import Offset
from napari_graft.segmentation.settings import DecodeSettings

Stage = Callable[[DecodeSettings], Sequence[DecodeSettings]]

_FOREGROUNDS = (0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.05, 0.02)
"""Down to hardly any: where neurites are judged by the variation of information, which leaves membranes out,
objects that meet in the middle of a membrane are better than a gap that stands for one false segment."""

STAGES: tuple[Stage, ...] = (
    lambda settings: [replace(settings, core_threshold=t) for t in (0.6, 0.8, 0.5, 0.9, 0.3)],
    lambda settings: [replace(settings, foreground_threshold=t) for t in _FOREGROUNDS],
    lambda settings: [replace(settings, attraction_bias=b) for b in (0.1, -0.1, 0.2, -0.2, 0.3, 0.4)],
    lambda settings: [replace(settings, min_size=n) for n in (10, 50, 100, 200, 400)],
    lambda settings: [replace(settings, least_solidity=s) for s in (0.92, 0.95)],
)
"""What is tried, one setting after the other, from the default outwards."""

MIN_GAIN = 0.01
"""Bits or average precision by which a setting must beat the one nearer to the default: tiles are few."""


class Affinities(Protocol):
    """What a network says of one tile."""

    @property
    def foreground(self) -> NDArray[np.float32]:
        """Probability that a pixel belongs to an object, (*spatial)."""

    @property
    def affinities(self) -> NDArray[np.float32]:
        """Probability that two pixels belong to the same object, (K, *spatial)."""


def calibrate(
    predictions: Sequence[Affinities],
    annotations: Sequence[NDArray[np.integer]],
    offsets: Sequence[Offset],
    structure: str,
    default: DecodeSettings | None = None,
    cancel: CancelToken | None = None,
) -> DecodeSettings:
    """Return the settings that decode the annotated tiles best, the default where no object was painted.

    One setting is chosen after the other, each on all tiles together; unlabelled pixels count for nothing. A
    value must clearly beat those nearer to the default.

    In 3-D nothing is joined more than the affinities say (`attraction_bias` above 0), however well that does
    here: a false merger is rare in the few slices to tune on, and in a larger volume it eats its neighbours.

    Parameters
    ----------
    predictions, annotations
        What the network says of the tiles, and what was painted: 0 unlabelled, 1 background, 2… objects.
    structure
        "neurites" are judged by variation of information, other structures by average precision.

    Raises
    ------
    Cancelled
        Between two tiles, when asked to stop.
    """
    trial = DecodeTrial(predictions, annotations, offsets, structure, cancel or CancelToken())
    best = default or DecodeSettings()
    score = trial.score(best)
    if score is None:
        return best
    is_volume = len(offsets[0]) == 3
    for stage in STAGES:
        for candidate in stage(best):
            if is_volume and candidate.attraction_bias > 0:
                continue
            new = trial.score(candidate)
            if new is not None and new > score + MIN_GAIN:
                best, score = candidate, new
    return best


@dataclass(frozen=True, slots=True)
class DecodeTrial:
    """Decodes annotated tiles with one setting after the other; see `calibrate` for the parameters."""

    predictions: Sequence[Affinities]
    annotations: Sequence[NDArray[np.integer]]
    offsets: Sequence[Offset]
    structure: str | None
    cancel: CancelToken

    def score(self, settings: DecodeSettings) -> float | None:
        """Return how good the settings are (`quality`); None where nothing can be judged.

        Raises
        ------
        Cancelled
            Between two tiles, when asked to stop.
        """
        segments = []
        for prediction in self.predictions:
            self.cancel.raise_if_cancelled()
            segments.append(decode(prediction.foreground, prediction.affinities, self.offsets, settings))
        scores = evaluate_annotated(segments, self.annotations)
        if scores is None:
            return None
        return quality(self.structure, vi=scores.vi, ap=scores.ap)
