"""A record of who did what, when and with which model; lines are added and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, Field

from napari_graft.core.errors import InputError, StorageError
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog, Document, DocumentLog, document_bytes, read_document


class JournalEntry(Document):
    """One event: who did what, and when.

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


class JournalLength(Document):
    """Length of a journal, kept beside it, so that a line that was removed is missed."""

    n_lines: int = Field(ge=0)


class Journal:
    """Append-only log with one JSON line for each entry, safe against being killed.

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
        self._length_path = path.with_name(f"{path.stem}.length.json")
        self._damage = damage
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
        known = self._known_length()
        n_before = self._log.n_lines() if known is None else known
        self._log.append(entry)
        # Not waited for, and after the entry: one that is older says too little, and accuses nobody.
        with suppress(StorageError):
            length = document_bytes(JournalLength(n_lines=n_before + 1))
            atomic.write_bytes(self._length_path, length, is_synced=False)

    def entries(self) -> Iterator[JournalEntry]:
        """Yield the entries, the oldest first; a half-written last line is passed over.

        Lines that were removed are told of, where anybody is.

        Raises
        ------
        DamagedFileError
            If a line is damaged, and nobody is told of damage.
        """
        yield from self._log
        self._tell_of_removed_lines()

    def check(self, *, is_expected: bool) -> None:
        """Tell of lines that were removed, or of the whole journal.

        Parameters
        ----------
        is_expected
            Whether there is anything that was noted when it was done, such as an accepted tile.
        """
        if is_expected and self._damage is not None and not os.path.lexists(self._path):
            self._damage.tell(
                f"journal {str(self._path)!r} is missing: restore it from a backup; who did what until now, "
                "and how long it took, is not known without it"
            )
        else:
            self._tell_of_removed_lines()

    def _tell_of_removed_lines(self) -> None:
        n_missing = (self._known_length() or 0) - self._log.n_lines()
        if n_missing > 0 and self._damage is not None:
            lines = "1 line was" if n_missing == 1 else f"{n_missing} lines were"
            where = f"journal {str(self._path)!r}"
            self._damage.tell(f"{lines} removed from {where}: who did what is not all known")

    def _known_length(self) -> int | None:
        """Return how many lines were written, None where that was not kept: in older projects."""
        try:
            return read_document(JournalLength, self._length_path, "length of the journal").n_lines
        except InputError:
            return None
