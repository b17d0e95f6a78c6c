"""A file with one document on each line; lines are added and never changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from napari_graft.core.errors import DamagedFileError
from napari_graft.io import atomic
from napari_graft.io.damage import DamageLog
from napari_graft.io.regular import create_regular, open_regular
from napari_graft.sources.document import document_bytes, parse_document

D = TypeVar("D", bound=BaseModel)
MAX_LOG_BYTES = 2**28
_BLOCK = 65536


class DocumentLog(Generic[D]):
    """Log of documents as JSON lines, each with its checksum, safe against being killed.

    Parameters
    ----------
    kind
        Class of the documents.
    path
        The file; it need not exist yet.
    title
        What the file is called in errors, for example ``"journal"``.
    damage
        Told of damaged lines, which are then passed over; without it they are errors.
    """

    def __init__(self, kind: type[D], path: Path, title: str, damage: DamageLog | None = None) -> None:
        self._kind = kind
        self._path = path
        self._title = title
        self._damage = damage

    def append(self, document: D) -> None:
        """Add a document and wait until it is on the disk.

        Raises
        ------
        DamagedFileError
            If there is no file but something else, and nobody is told of damage.
        StorageError
            If it cannot be written, for example because the disk is full; the earlier ones stay.
        """
        line = document_bytes(document) + b"\n"
        with atomic.storage_errors(self._path), self._opened() as file:
            end, tail = _last_line(file)
            if _has_lost_its_end(tail):  # it stays, and is told of
                end, line = end + len(tail), b"\n" + line
            # What a killed writer left after the last whole line goes.
            atomic.append_at(file, end, line)

    def __iter__(self) -> Iterator[D]:
        """Yield the documents, the oldest first; a half-written last line is passed over.

        Raises
        ------
        DamagedFileError
            If a line is damaged, and nobody is told of damage.
        """
        try:
            file = BufferedReader(open_regular(self._path, limit=MAX_LOG_BYTES))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            self._tell(DamagedFileError(f"{self._title} {error}"))
            return
        with file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n") or _has_lost_its_end(line):
                    yield from self._parsed(line, number)

    def n_lines(self) -> int:
        """Return how many lines there are, damaged ones among them; 0 where there is no such file."""
        try:
            with BufferedReader(open_regular(self._path, limit=MAX_LOG_BYTES)) as file:
                return sum(line.endswith(b"\n") or _has_lost_its_end(line) for line in file)
        except (FileNotFoundError, DamagedFileError):
            return 0

    def _parsed(self, line: bytes, number: int) -> Iterator[D]:
        try:
            yield parse_document(self._kind, line, f"line {number} of {self._title} {str(self._path)!r}")
        except DamagedFileError as error:
            self._tell(error)

    def _tell(self, error: DamagedFileError) -> None:
        if self._damage is None:
            raise error
        self._damage.tell(f"{error}; it is passed over")

    def _opened(self) -> FileIO:
        """Open the file for writing, and make it where there is none."""
        try:
            return open_regular(self._path, limit=MAX_LOG_BYTES, write=True)
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            if self._damage is None:
                raise
            self._damage.set_aside(DamagedFileError(f"{self._title} {error}"), self._path)
        create_regular(self._path)
        atomic.sync_folder(self._path.parent)
        return open_regular(self._path, limit=MAX_LOG_BYTES, write=True)


def _last_line(file: FileIO) -> tuple[int, bytes]:
    """Return the position after the last line feed, and what follows it."""
    position, tail = file.seek(0, os.SEEK_END), b""
    while position > 0:
        start = max(position - _BLOCK, 0)
        file.seek(start)
        block = file.read(position - start)
        feed = block.rfind(b"\n")
        if feed >= 0:
            return start + feed + 1, block[feed + 1 :] + tail
        position, tail = start, block + tail
    return 0, tail


def _has_lost_its_end(line: bytes) -> bool:
    """Say whether a line holds a whole document and then a byte that is no line feed: nobody writes so."""
    try:
        return isinstance(json.loads(line[:-1]), dict)
    except (ValueError, RecursionError):
        return False
