"""How well a source does on the annotated tiles, before it has learned anything there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.scorers.scoring_context import ScoringContext
from napari_graft.segmentation.calibrate import DecodeTrial
from napari_graft.training.examples import Example, near_labels


def zero_shot(context: ScoringContext) -> float | None:
    """Return the score of the untouched source's objects on the annotated pixels; see `best_score`.

    None without annotation, or without an object in it.
    """
    examples = [near_labels(one, "both") for one in examples_to_score(context)]
    if not examples:
        return None
    compute = context.compute
    predictor = Predictor(context.network, compute.device)
    predictions = [predictor.predict_image(one.image, compute.cancel) for one in examples]
    return best_score(context, predictions, [one.labels("both") for one in examples])


THRESHOLDS = (0.02, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Of the foreground, tried beside the source's own: where objects end is what images differ in most."""
MOST_TILES = {2: 24, 3: 8}
"""Of a 3-D source fewer: it looks at the slices around each as well, which takes time and memory."""


def examples_to_score(context: ScoringContext) -> Sequence[Example]:
    """Return the annotated tiles that a source is scored on: all, or `MOST_TILES` spread over all rounds."""
    spec = context.network.spec
    examples, most = context.target.examples(spec), MOST_TILES[spec.ndim]
    if len(examples) <= most:
        return examples
    return [examples[round(place)] for place in np.linspace(0, len(examples) - 1, most)]


def best_score(
    context: ScoringContext, predictions: Sequence[Prediction], annotations: Sequence[NDArray[np.int32]]
) -> float | None:
    """Return the score of what was predicted for some annotated images, at the best threshold.

    Minus the VI where objects fill the image, else the mean AP. None where no object is annotated.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    own = context.decode
    trial = DecodeTrial(
        predictions,
        annotations,
        context.network.spec.offsets,
        context.target.structure,
        context.compute.cancel,
    )
    tried = {own.foreground_threshold, *THRESHOLDS}
    scores = [trial.score(replace(own, foreground_threshold=threshold)) for threshold in sorted(tried)]
    return max((score for score in scores if score is not None), default=None)
