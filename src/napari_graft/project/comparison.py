"""Which of several models is better: by their scores on the held-out part, and by a person's vote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from pydantic import TypeAdapter

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io.documents import DamageLog
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


VOTE = "vote"
_NUMBERS = TypeAdapter(tuple[int, ...])
_NAMES = TypeAdapter(tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Vote:
    """Preference of a person between two models.

    Parameters
    ----------
    winner
        Source or run whose segmentation was the best.
    others
        Those it was compared with.
    tile
        Where they were looked at.
    who, when
        Who said so, and when; None before it is stored.
    """

    winner: str
    others: tuple[str, ...]
    tile: Tile
    who: str
    when: datetime | None = None

    def __post_init__(self) -> None:
        if not self.others or self.winner in self.others:
            raise InputError(
                f"a vote for {self.winner!r} against {list(self.others)} decides nothing: "
                "compare it with other sources or runs"
            )

    def as_entry(self) -> JournalEntry:
        """Return the vote as the journal keeps it."""
        details: dict[str, str | int | float | bool | None] = {
            "winner": self.winner,
            "others": json.dumps(self.others),
            "start": json.dumps(self.tile.start),
            "shape": json.dumps(self.tile.shape),
        }
        return JournalEntry(who=self.who, what=VOTE, details=details)


def votes_in(journal: Journal, damage: DamageLog) -> Iterator[Vote]:
    """Yield the votes of a journal, the oldest first; a damaged one is told of and passed over."""
    for entry in journal.entries():
        if entry.what == VOTE:
            try:
                yield _vote_of(entry)
            except DamagedFileError as error:
                damage.tell(str(error))


def _vote_of(entry: JournalEntry) -> Vote:
    details = {name: str(value) for name, value in entry.details.items()}
    try:
        tile = Tile(
            _NUMBERS.validate_json(details["start"]),
            _NUMBERS.validate_json(details["shape"]),
        )
        others = _NAMES.validate_json(details["others"])
        return Vote(details["winner"], others, tile, entry.who, entry.when)
    except (KeyError, ValueError) as error:
        raise DamagedFileError(
            f"the vote of {entry.who} at {entry.when} in the journal is damaged: {error}: remove its line"
        ) from None
