"""How good a model is on annotated pixels, and which decode settings suit it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Prediction, Predictor
from napari_graft.metrics.contingency import Contingency
from napari_graft.metrics.evaluate_annotated import pooled_scores, tabulate_annotated
from napari_graft.metrics.scores import quality
from napari_graft.nets.network import Network
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.training.examples import Example, Part, near_labels
from napari_graft.training.held_out import HeldOutLoss

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
    predictions: Predictions, settings: DecodeSettings, held_out: HeldOutLoss, cancel: CancelToken
) -> Judgement:
    """Measure a model on the held-out parts of the tiles.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    if not held_out:
        return Judgement(None, {})
    loss = held_out(predictions.network, cancel)
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
