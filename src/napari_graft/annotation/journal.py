"""A record of who did what, when and with which model; lines are added and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from pydantic import Field

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.sources.document import Document, parse_document

_BLOCK = 65536


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
    when: datetime = Field(default_factory=lambda: datetime.now(UTC))


class Journal:
    """Append entries to a file with one JSON line for each, safe against being killed.

    Parameters
    ----------
    path
        The file; it need not exist yet.
    writable
        Whether entries may be added.
    """

    def __init__(self, path: Path, *, writable: bool = True) -> None:
        self._path = path
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
        line = entry.model_dump_json().encode() + b"\n"
        with atomic.storage_errors(self._path):
            if not self._path.exists():
                self._path.touch()
                atomic.sync_folder(self._path.parent)
            with self._path.open("r+b", buffering=0) as file:
                # What a killed writer left after the last whole line goes.
                atomic.append_at(file, _end_of_lines(file), line)

    def entries(self) -> Iterator[JournalEntry]:
        """Yield the entries, the oldest first; a half-written last line is passed over.

        Raises
        ------
        InputError
            If a line is damaged.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n"):
                    yield parse_document(JournalEntry, line, f"line {number} of journal {str(self._path)!r}")


def _end_of_lines(file: FileIO) -> int:
    """Return the position after the last line feed."""
    position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(position - _BLOCK, 0)
        file.seek(start)
        feed = file.read(position - start).rfind(b"\n")
        if feed >= 0:
            return start + feed + 1
        position = start
    return 0
