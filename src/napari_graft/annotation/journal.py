"""A record of who did what, when and with which model; lines are added and never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field

from napari_graft.core.errors import InputError
from napari_graft.io.damage import DamageLog
from napari_graft.sources.document import Document
from napari_graft.sources.document_log import DocumentLog


class JournalEntry(Document):
    """Say what happened.

    Parameters
    ----------
    who
        Who did it, for example the name of the login.
    what
        What was done, for example ``"accept tile"``.
    model
        Source or run that was in use, or None.
    details
        More about it, by name.
    when
        When it was done.
    """

    who: str
    what: str
    model: str | None = None
    details: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    when: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


class Journal:
    """Append entries to a file with one JSON line for each, safe against being killed.

    Parameters
    ----------
    path
        The file; it need not exist yet.
    writable
        Whether entries may be added.
    damage
        As for `DocumentLog`.
    """

    def __init__(self, path: Path, *, writable: bool = True, damage: DamageLog | None = None) -> None:
        self._path = path
        self._log = DocumentLog(JournalEntry, path, "journal", damage)
        self._writable = writable

    def append(self, entry: JournalEntry) -> None:
        """Add an entry and wait until it is on the disk.

        Raises
        ------
        InputError
            If the journal was opened for reading.
        StorageError
            If it cannot be written, for example because the disk is full; the earlier entries stay.
        """
        if not self._writable:
            raise InputError(f"journal {str(self._path)!r} is open for reading: open the project for writing")
        self._log.append(entry)

    def entries(self) -> Iterator[JournalEntry]:
        """Yield the entries, the oldest first; a half-written last line is passed over.

        Raises
        ------
        DamagedFileError
            If a line is damaged, and nobody is told of damage.
        """
        yield from self._log
