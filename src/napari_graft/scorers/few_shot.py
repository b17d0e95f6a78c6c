"""How well a source does on the annotated tiles, before it has learned anything there."""

from __future__ import annotations

from dataclasses import replace

from napari_graft.inference.predictor import Predictor
from napari_graft.scorers.sighting import Sighting
from napari_graft.segmentation.calibrate import DecodeTrial
from napari_graft.training.examples import near_labels

THRESHOLDS = (0.02, 0.2, 0.35, 0.5, 0.65, 0.8)
"""Of the foreground, tried beside the source's own: where objects end is what images differ in most."""


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
    cancel, own = sighting.workplace.cancel, sighting.decode
    predictor = Predictor(network, sighting.workplace.device)
    trial = DecodeTrial(
        [predictor.predict_image(one.image, cancel) for one in examples],
        [one.labels("both") for one in examples],
        network.spec.offsets,
        sighting.target.structure,
        cancel,
    )
    tried = {own.foreground_threshold, *THRESHOLDS}
    scores = [trial.score(replace(own, foreground_threshold=threshold)) for threshold in sorted(tried)]
    return max((score for score in scores if score is not None), default=None)
