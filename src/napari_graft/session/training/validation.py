"""Scores of a model on annotated pixels, and the choice among the models that a training leads to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.metrics.contingency import Contingency
from napari_graft.metrics.evaluate import pooled_scores, tabulate_annotated
from napari_graft.metrics.scores import quality
from napari_graft.nets.network import Network
from napari_graft.project.comparison import SAME_LOSS, SAME_QUALITY, compare
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.training.examples import Example, Part, near_labels

if TYPE_CHECKING:
    import torch


_SCORES = ("vi", "vi_split", "vi_merge", "ap50", "ap", "dice")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Scores of a model on the held-out part.

    Parameters
    ----------
    loss
        Masked loss, lower is better; None where nothing is held out.
    scores
        Scores of the decoded objects by the names of ``evaluate``; empty where no object is held out.
    quality
        The one of them that counts for the structure, higher is better; None where no object is held out.
    without_tile
        The same without the first of the tiles that hold something out, without the second, and so on; None
        where no object is left.
    """

    loss: float | None
    scores: dict[str, float]
    quality: float | None = None
    without_tile: tuple[float | None, ...] = ()

    def as_dict(self, suffix: str = "") -> dict[str, float]:
        """Return loss and scores by name, each with a suffix."""
        loss = {} if self.loss is None else {"loss": self.loss}
        return {name + suffix: value for name, value in (loss | self.scores).items()}


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a network says of annotated tiles, on which its decoding is tuned and judged.

    Parameters
    ----------
    network
        On the device where it was asked.
    examples
        The tiles, 3-D ones cut down to what is near their labels.
    found
        What it says of each.
    structure
        Decides which score counts.
    """

    network: Network
    examples: Sequence[Example]
    found: Sequence[Prediction]
    structure: str | None


def predict_examples(
    network: Network,
    examples: Sequence[Example],
    structure: str | None,
    device: torch.device,
    cancel: CancelToken,
) -> Predictions:
    """Ask a network about annotated tiles.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    predictor = Predictor(network, device)
    used = [near_labels(example, "both") for example in examples]
    found = []
    for example in used:
        cancel.raise_if_cancelled()
        found.append(predictor.predict_image(example.image, cancel))
    return Predictions(network, used, found, structure)


def calibrate_model(predictions: Predictions, cancel: CancelToken, part: Part = "train") -> DecodeSettings:
    """Choose decode settings on a part of the annotated pixels.

    By default they are those that are trained on: where the others are to judge a model, they must not have
    tuned it.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    truths = [example.labels(part).astype(np.uint32) for example in predictions.examples]
    offsets, structure = predictions.network.spec.offsets, predictions.structure or "any"
    return calibrate(predictions.found, truths, offsets, structure, cancel=cancel)


def judge(
    predictions: Predictions, settings: DecodeSettings, loss: float | None, cancel: CancelToken
) -> Judgement:
    """Measure a model on the held-out parts of the tiles.

    Parameters
    ----------
    predictions
        What its network says of the tiles.
    settings
        How that is decoded.
    loss
        Of the network on the held-out parts, whatever the settings; None where nothing is held out.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    if loss is None:
        return Judgement(None, {})
    tables = _held_out_tables(predictions, settings, cancel)
    scores = pooled_scores(tables)
    if scores is None:
        return Judgement(loss, {})
    structure = predictions.structure
    without = tuple(_quality([*tables[:i], *tables[i + 1 :]], structure) for i in range(len(tables)))
    named = {name: float(scores.as_dict()[name]) for name in _SCORES}
    return Judgement(loss, named, quality(structure, vi=scores.vi, ap=scores.ap), without)


def _held_out_tables(
    predictions: Predictions, settings: DecodeSettings, cancel: CancelToken
) -> list[Contingency]:
    """Return the overlaps on each tile that holds something out."""
    offsets, tables = predictions.network.spec.offsets, []
    for example, found in zip(predictions.examples, predictions.found, strict=True):
        cancel.raise_if_cancelled()
        if np.any(example.validation != UNLABELLED):
            segments = decode(found.foreground, found.affinities, offsets, settings)
            tables.append(tabulate_annotated(segments, example.validation))
    return tables


def _quality(tables: Sequence[Contingency], structure: str | None) -> float | None:
    scores = pooled_scores(tables)
    return None if scores is None else quality(structure, vi=scores.vi, ap=scores.ap)


_PARTS = {0.25: "a quarter of the way", 0.5: "half of the way", 0.75: "three quarters of the way"}

_FEWEST_TILES = 3


@dataclass(frozen=True, slots=True)
class WeightsCandidate:
    """A point on the way from the start to the trained weights, with its decoding and its judgement.

    Parameters
    ----------
    share
        Which part of the way it lies at, 0 to 1.
    decode
        Settings tuned for it on what is trained on.
    judgement
        What it reaches with them on what is held out.
    is_tuned
        False where the settings are those that the start came with.
    """

    share: float
    decode: DecodeSettings
    judgement: Judgement
    is_tuned: bool = True


def choose(candidates: Sequence[WeightsCandidate]) -> WeightsCandidate:
    """Return the candidate nearest to the start that is as good as the best, as far as the tiles can tell.

    As good is: no further below the best than one standard error of their difference, and no worse than the
    start. Little is held out, and a training that has learned the painted tiles by heart is the likelier to
    fail elsewhere the further it has gone. Among candidates whose objects are equally good, and where no
    object is held out, the lowest held-out loss decides.

    The start with its own settings counts only where they are better on what is held out than those tuned on
    the rest: a few settings, chosen on pixels that the start has not learned, are not learned by heart.

    Parameters
    ----------
    candidates
        By rising share, the start as it came the first and the trained weights the last.
    """
    candidates = _without_settings_of_start(candidates)
    scored = [(one, one.judgement.quality) for one in candidates]
    found = [(one, value) for one, value in scored if value is not None]
    if len(found) < len(candidates):
        return _lowest_loss(candidates)
    best, highest = max(found, key=lambda pair: pair[1])
    of_start = found[0][1]
    as_good = [
        (one, value)
        for one, value in found
        if value >= of_start and highest - value <= standard_error(one.judgement, best.judgement)
    ]
    nearest = as_good[0][1]
    return _lowest_loss([one for one, value in as_good if abs(value - nearest) <= SAME_QUALITY])


def _without_settings_of_start(candidates: Sequence[WeightsCandidate]) -> Sequence[WeightsCandidate]:
    """Leave the start with its own settings out where the tuned ones are as good on what is held out."""
    own = candidates[0]
    tuned = next((one for one in candidates if one.is_tuned and one.share == own.share), None)
    if own.is_tuned or tuned is None:
        return candidates
    qualities = own.judgement.quality, tuned.judgement.quality
    if qualities[0] is None or qualities[1] is None or qualities[1] < qualities[0] - SAME_QUALITY:
        return candidates
    return candidates[1:]


def standard_error(one: Judgement, other: Judgement) -> float:
    """Return the standard error of the difference in quality between two models on the same held-out tiles.

    It is that of the jackknife: each tile is left out in turn, and the rest is scored together. Fewer than
    `_FEWEST_TILES` tell nothing of it: 0, so that the best is believed; the spread of two is mostly chance.
    """
    pairs = zip(one.without_tile, other.without_tile, strict=True)
    differences = [a - b for a, b in pairs if a is not None and b is not None]
    n = len(differences)
    if n < _FEWEST_TILES:
        return 0.0
    mean = sum(differences) / n
    return math.sqrt((n - 1) / n * sum((value - mean) ** 2 for value in differences))


def describe_choice(
    chosen: WeightsCandidate, trained: WeightsCandidate, start: str, structure: str | None
) -> str:
    """Say in words what was kept of a training and why; empty where it was all of it.

    Parameters
    ----------
    start
        What the training started from, in words, such as ``the source``.
    structure
        Decides which score is named.
    """
    if chosen.share == 1:
        return ""
    kept = _part(chosen, start)
    if compare(trained.judgement, chosen.judgement) == "worse":
        numbers = _numbers(trained.judgement, chosen.judgement, structure)
        return f"kept {kept}: fully trained it did worse on what was held out{numbers}"
    return f"kept {kept}: that training further makes it better cannot be told on what was held out"


def _part(chosen: WeightsCandidate, start: str) -> str:
    share = chosen.share
    if share == 0:
        return f"{start} as it was" + (", with its decoding tuned" if chosen.is_tuned else "")
    return f"{_PARTS.get(share, f'{share:.0%} of the way')} from {start}"


def _numbers(trained: Judgement, chosen: Judgement, structure: str | None) -> str:
    name, sign = ("VI", -1) if quality(structure, vi=1, ap=0) < 0 else ("AP", 1)
    if trained.quality is None or chosen.quality is None:
        return ""
    return f" ({name} {sign * trained.quality:.3f}, and {sign * chosen.quality:.3f} so)"


def _lowest_loss(candidates: Sequence[WeightsCandidate]) -> WeightsCandidate:
    """Return the first whose loss is as low as the lowest, the last one where no loss was measured."""
    losses = [(one, one.judgement.loss) for one in candidates]
    known = [(one, loss) for one, loss in losses if loss is not None]
    if not known:
        return candidates[-1]
    lowest = min(loss for _, loss in known)
    return next(one for one, loss in known if loss <= lowest + SAME_LOSS)
