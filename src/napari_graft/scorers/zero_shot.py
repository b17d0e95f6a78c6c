"""How well a source does on the annotated tiles, before it has learned anything there."""

from __future__ import annotations

from napari_graft.inference.predictor import Predictor
from napari_graft.scorers.on_tiles import best_score, examples_to_score
from napari_graft.scorers.sighting import ScoringContext
from napari_graft.training.examples import near_labels


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
