"""Results of the benchmarks: where they are written, and when earlier ones can be used again."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import storage_errors
from napari_graft.io.documents import Document, DocumentLog
from napari_graft.io.writers.file_kinds import Recogniser, is_our_json, is_our_log, is_our_png
from napari_graft.io.writers.outputs import Input, Outputs

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


_STUDIES = (
    "first-look", "label-efficiency", "ranking", "merging", "pretraining", "bridging", "robustness",
    "selection", "proofreading", "recipes",
)  # fmt: skip
_DOCUMENTS = (*_STUDIES, "throughput", "responsiveness")
_LOG = re.compile(rf"({'|'.join(_STUDIES)})-(images|runs|transfers|readings|times|cells)\.jsonl")
_FOLDERS = ("label-efficiency", "generalists")
"""What is in them is looked at when it is written: demonstrations and sources."""


def check_benchmark_output(out: Path, data: Path | None, *, overwrite: bool) -> Outputs:
    """Refuse a folder in which a benchmark would take the place of something else; return what may be there.

    Parameters
    ----------
    data
        Folder with the labelled images, None where the benchmark needs none.

    Raises
    ------
    InputError
        If it holds other files, or is, holds or lies in the folder of the images or a project.
    """
    inputs = () if data is None else (Input(data, "the folder of the labelled images"),)
    outputs = Outputs(inputs, overwrite)
    outputs.check_folder(out, _recogniser)
    return outputs


def _recogniser(name: str) -> Recogniser | None:
    if name in _FOLDERS:
        return Path.is_dir
    if _LOG.fullmatch(name):
        return is_our_log
    known: dict[str, Recogniser] = {f"{one}.json": is_our_json for one in _DOCUMENTS}
    return (known | {"ranking.png": is_our_png}).get(name)


_SHOWING = frozenset({"_napari", "_qt", "cli", "engine", "report", "workbench"})
"""Packages that show what others find."""


@cache
def program_checksum() -> str:
    """Return the SHA-256 of all code that can change a score.

    What was measured with other code is measured anew, so that two commits can be compared in one folder.
    """
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if name.parts[0] not in _SHOWING:
            digest.update(f"{name.as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
