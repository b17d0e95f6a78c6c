"""Which of several segmentations a person found the best."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from napari_graft.annotation.journal import Journal, JournalEntry
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io.damage import DamageLog

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
