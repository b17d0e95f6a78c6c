"""Results of earlier calls of a benchmark, to be used again where the same is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import storage_errors
from napari_graft.io.marks import is_our_log
from napari_graft.sources.document import Document
from napari_graft.sources.document_log import DocumentLog

D = TypeVar("D", bound=Document)


class KeptResults(Generic[D]):
    """Log of results, one a line, so that a benchmark of hours goes on where it was stopped.

    The file holds numbers alone and can be kept under version control: from it, the tables of a benchmark can
    be made again without the hours.

    Parameters
    ----------
    kind
        Class of the results.
    path
        The file; it need not exist yet.
    """

    def __init__(self, kind: type[D], path: Path) -> None:
        self._path = path
        self._log = DocumentLog(kind, path, "results")
        self._known = list(self._log)

    def find(self, asked: Mapping[str, object]) -> D | None:
        """Return the newest result whose fields say that the same was asked, None where there is none."""
        for result in reversed(self._known):
            if all(getattr(result, name) == value for name, value in asked.items()):
                return result
        return None

    def add(self, result: D) -> None:
        """Keep a result; it is on the disk when this returns.

        Raises
        ------
        InputError
            If something else has come to its place while the benchmark was at work.
        StorageError
            If it cannot be written.
        """
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(self._path) and not is_our_log(self._path):
                raise InputError(
                    f"{self._path} is no list of results any more: move it elsewhere and call again"
                )
        self._log.append(result)
        self._known.append(result)
