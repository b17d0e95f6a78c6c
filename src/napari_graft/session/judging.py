"""How good a model is on annotated pixels, and which decode settings suit it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Predictor
from napari_graft.metrics import evaluate_annotated
from napari_graft.nets.network import Network
from napari_graft.project.run import is_loss_no_worse
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.training.examples import Example, near_labels
from napari_graft.training.held_out import HeldOutLoss

if TYPE_CHECKING:
    import torch

Annotation = NDArray[np.uint32]

_SCORES = ("vi", "vi_split", "vi_merge", "ap50", "dice")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Hold what a model reaches on the held-out part.

    Parameters
    ----------
    loss
        Masked loss, lower is better; None where nothing is held out.
    scores
        Scores of the decoded objects by the names of ``evaluate``; empty where no object is held out.
    """

    loss: float | None
    scores: dict[str, float]

    def as_dict(self, suffix: str = "") -> dict[str, float]:
        """Return loss and scores by name, each with a suffix."""
        loss = {} if self.loss is None else {"loss": self.loss}
        return {name + suffix: value for name, value in (loss | self.scores).items()}


def is_no_worse(loss: float | None, rival: float | None) -> bool:
    """Say whether a held-out loss is no higher than a rival's; where that was not measured, it is not."""
    return rival is None or (loss is not None and is_loss_no_worse(loss, rival))


def calibrate_model(
    network: Network,
    examples: Sequence[Example],
    structure: str | None,
    device: torch.device,
    cancel: CancelToken,
) -> DecodeSettings:
    """Choose decode settings on all annotated pixels of the examples.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    predictor = Predictor(network, device)
    used = [near_labels(example, "both") for example in examples]
    truths = [example.labels("both").astype(np.uint32) for example in used]
    predictions = []
    for example in used:
        cancel.raise_if_cancelled()
        predictions.append(predictor.predict_image(example.image))
    return calibrate(predictions, truths, network.spec.offsets, structure or "any", cancel=cancel)


def judge(
    network: Network,
    settings: DecodeSettings,
    examples: Sequence[Example],
    device: torch.device,
    cancel: CancelToken,
) -> Judgement:
    """Measure a model on the held-out parts of the examples.

    Raises
    ------
    Cancelled
        When asked to stop.
    """
    held_out = HeldOutLoss(examples, device)
    if not held_out:
        return Judgement(None, {})
    loss = held_out(network, cancel)
    predictor = Predictor(network, device)
    found, truths = [], []
    for example in examples:
        cancel.raise_if_cancelled()
        if np.any(example.validation != UNLABELLED):
            used = near_labels(example, "validation")
            prediction = predictor.predict_image(used.image)
            found.append(decode(prediction.foreground, prediction.affinities, network.spec.offsets, settings))
            truths.append(used.validation)
    scores = evaluate_annotated(found, truths)
    return Judgement(loss, {} if scores is None else {name: scores.as_dict()[name] for name in _SCORES})
