"""Which of two models is better on the part that is kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from napari_graft.metrics.scores import quality

SAME_LOSS = 1e-3
"""Held-out losses that are closer than this count as equal."""
SAME_QUALITY = 1e-3
"""Bits of VI, or AP, that are closer than this count as equal: then the loss decides."""

Comparison = Literal["better", "equal", "worse"]


class Measured(Protocol):
    """What a model reaches on the part that is kept apart."""

    @property
    def quality(self) -> float | None:
        """Score of the decoded objects, higher is better (`quality`); None where no object is held out."""

    @property
    def loss(self) -> float | None:
        """Held-out loss, lower is better; None where nothing is held out."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Quality and loss on the part that is kept apart; see `Measured`."""

    quality: float | None
    loss: float | None


def recorded(validation: Mapping[str, float], structure: str | None, suffix: str = "") -> HeldOut:
    """Return what the record of a run holds of a model.

    Runs of before AP was recorded were decided by the loss, and count by it still.

    Parameters
    ----------
    validation
        Of the record.
    structure
        Decides which score counts.
    suffix
        Of the names: ``_previous``, ``_source``, or none for the model of the run itself.
    """
    vi, ap = validation.get(f"vi{suffix}"), validation.get(f"ap{suffix}")
    score = None if vi is None or ap is None else quality(structure, vi=vi, ap=ap)
    return HeldOut(score, validation.get(f"loss{suffix}"))


def compare(new: Measured, rival: Measured) -> Comparison | None:
    """Return how a model compares with a rival: by the decoded objects, then by the loss.

    The loss decides where the objects of both are equally good, or were not scored. None where neither was
    measured for both.
    """
    by_objects = None if new.quality is None or rival.quality is None else _sign(new.quality - rival.quality)
    if by_objects in ("better", "worse") or new.loss is None or rival.loss is None:
        return by_objects
    return _sign(rival.loss - new.loss, SAME_LOSS)


def is_no_worse(new: Measured, rival: Measured | None) -> bool:
    """Say whether a model may take the place of a rival; it may where nothing is known of the rival."""
    if rival is None or (rival.quality is None and rival.loss is None):
        return True
    return compare(new, rival) in ("better", "equal")


def _sign(gain: float, same: float = SAME_QUALITY) -> Comparison:
    if abs(gain) <= same:
        return "equal"
    return "better" if gain > 0 else "worse"
