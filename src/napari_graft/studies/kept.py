"""Results of an earlier call of a benchmark, to be used again where the same is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from napari_graft.sources.document import Document, read_document

D = TypeVar("D", bound=Document)


def read_kept(kind: type[D], path: Path, asked: Mapping[str, object]) -> D | None:
    """Return the result in a file, None where there is none or its fields say that something else was asked.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    if not path.is_file():
        return None
    known = read_document(kind, path, "result")
    return known if known.model_dump(include=set(asked)) == asked else None
