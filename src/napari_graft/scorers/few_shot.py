"""How well a source does on the annotated tiles, before it has learned anything there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.inference.predictor import Predictor
from napari_graft.metrics.evaluate_annotated import evaluate_annotated
from napari_graft.metrics.scores import Scores
from napari_graft.scorers.sighting import Sighting
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.card import leading_score
from napari_graft.training.examples import near_labels

THRESHOLDS = (0.02, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Of the foreground, tried beside the source's own: where objects end is what images differ in most."""

Probabilities = NDArray[np.float32]


def few_shot(sighting: Sighting) -> float | None:
    """Return the score of the source's objects on the annotated pixels, at its best threshold.

    Minus the VI where objects fill the image, else the mean AP. None without annotation, or without an object
    in it. Nothing is trained, so that all annotated pixels can be scored, and networks that were imported as
    finished ones as well. After a training of the head on the same tiles (`head_fit`) the score is another
    source's as often as not: such a training fits the few tiles, and a score on the part of them that is held
    out hangs on a few objects.
    """
    network = sighting.network
    examples = [near_labels(one, "both") for one in sighting.target.examples(network.spec)]
    if not examples:
        return None
    predictor = Predictor(network, sighting.workplace.device)
    answers = [predictor.predict_array(one.image, sighting.workplace.cancel) for one in examples]
    labels = [one.labels("both") for one in examples]
    own = sighting.decode

    def score(settings: DecodeSettings) -> Scores | None:
        sighting.workplace.cancel.raise_if_cancelled()
        found = [decode(answer[0], answer[1:], network.spec.offsets, settings) for answer in answers]
        return evaluate_annotated(found, labels)

    tried = {own.foreground_threshold, *THRESHOLDS}
    scores = [score(replace(own, foreground_threshold=threshold)) for threshold in sorted(tried)]
    return best([one for one in scores if one is not None], sighting.target.structure)


def best(scores: Sequence[Scores], structure: str | None) -> float | None:
    """Return the best of some scores, higher is better, by what says most of a structure; None of none."""
    is_filled = leading_score(structure) == "vi"
    return max((float(-one.vi if is_filled else one.ap) for one in scores), default=None)
