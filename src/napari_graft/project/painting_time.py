"""How long people painted, from the journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from napari_graft.annotation.journal import JournalEntry

ACCEPT = "accept tile"
_LONGEST = 1e9
"""Nobody paints for so many seconds."""


def painted_seconds(entries: Iterable[JournalEntry], until: datetime | None = None) -> float:
    """Return the seconds painted on the tiles that were accepted, up to a moment or in all.

    Entries that do not say how long, such as imports and those of the first version, count as 0.
    """
    accepted = (entry for entry in entries if entry.what == ACCEPT and (until is None or entry.when <= until))
    found = (entry.details.get("seconds") for entry in accepted)
    return float(sum(value for value in found if isinstance(value, int | float) and 0 <= value < _LONGEST))
