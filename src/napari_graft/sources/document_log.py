"""A file with one document on each line; lines are added and never changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel

from napari_graft.io import atomic
from napari_graft.sources.document import parse_document

D = TypeVar("D", bound=BaseModel)
_BLOCK = 65536


class DocumentLog(Generic[D]):
    """Add documents to a file of JSON lines, safe against being killed.

    Parameters
    ----------
    kind
        Class of the documents.
    path
        The file; it need not exist yet.
    title
        What the file is called in errors, for example ``"journal"``.
    """

    def __init__(self, kind: type[D], path: Path, title: str) -> None:
        self._kind = kind
        self._path = path
        self._title = title

    def append(self, document: D) -> None:
        """Add a document and wait until it is on the disk.

        Raises
        ------
        StorageError
            If it cannot be written, for example because the disk is full; the earlier ones stay.
        """
        line = document.model_dump_json().encode() + b"\n"
        with atomic.storage_errors(self._path):
            if not self._path.exists():
                self._path.touch()
                atomic.sync_folder(self._path.parent)
            with self._path.open("r+b", buffering=0) as file:
                # What a killed writer left after the last whole line goes.
                atomic.append_at(file, _end_of_lines(file), line)

    def __iter__(self) -> Iterator[D]:
        """Yield the documents, the oldest first; a half-written last line is passed over.

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
                    where = f"line {number} of {self._title} {str(self._path)!r}"
                    yield parse_document(self._kind, line, where)


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
