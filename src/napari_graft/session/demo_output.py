"""Where a demonstration may write: in a new folder, or that of an earlier one that nobody has worked in."""

from __future__ import annotations

import os
import shutil
from glob import glob
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.io import atomic
from napari_graft.io.file_kinds import Recogniser
from napari_graft.io.location import split_location
from napari_graft.io.marks import NAME, is_our_json, is_our_page, is_our_png, is_our_tiff
from napari_graft.io.outputs import Input, Outputs
from napari_graft.project.manifest import BACKUP, MANIFEST
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.sources.document import Document, read_document, write_document

PROJECT, SAMPLE = "demo.graft", "sample"
_MARK = "demo.json"
_EMPTY = {MANIFEST, BACKUP, "lock", "lock.holder"}


class _DemoMark(Document):
    """Say that a demonstration made a project, and what it had come to when it was last at work there."""

    made_by: str = NAME
    annotations: str
    n_runs: int
    is_going: bool = False


def check_demo_output(out: Path, image: str | None, labels: str | None, *, overwrite: bool) -> Outputs:
    """Refuse a folder in which a demonstration would take the place of something else.

    Returns what may be written there.

    Parameters
    ----------
    image, labels
        Files or patterns that the user named.

    Raises
    ------
    InputError
        If it holds other files or a project that somebody has worked in, or is or lies in an input.
    """
    named = [name for name in (image, labels) if name is not None]
    files = [file for name in named for file in (glob(name, recursive=True) or [split_location(name)[0]])]
    inputs = tuple(Input(Path(file), "an input of the demonstration") for file in files)
    outputs = Outputs(inputs, overwrite)
    outputs.check_folder(out, _recogniser)
    return outputs


def mark_demo_project(project: Project) -> None:
    """Note in a project that it is as the demonstration has left it."""
    n_runs = len(project.runs.all())
    write_document(
        project.folder / _MARK, _DemoMark(annotations=project.annotations.checksum(), n_runs=n_runs)
    )


def remove_demo_project(folder: Path) -> None:
    """Remove a project; one that is killed while it does so can be called again."""
    write_document(folder / _MARK, _DemoMark(annotations="", n_runs=0, is_going=True))
    with atomic.storage_errors(folder):
        for path in sorted(folder.iterdir(), key=lambda path: (path.name == MANIFEST, path.name == _MARK)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        folder.rmdir()


def is_demo_project(folder: Path) -> bool:
    """Say whether a demonstration made a project, and nobody has painted or trained in it since."""
    if folder.is_dir() and set(os.listdir(folder)) <= _EMPTY:  # what was left when it was removed
        return True
    try:
        mark = read_document(_DemoMark, folder / _MARK, "demonstration")
        if mark.is_going:
            return True
        with open_project(folder) as project:
            found = _DemoMark(annotations=project.annotations.checksum(), n_runs=len(project.runs.all()))
            return found == mark and not project.drafts()
    except InputError:
        return False


def _recogniser(name: str) -> Recogniser | None:
    known: dict[str, Recogniser] = {
        "report.html": is_our_page,
        "report.json": is_our_json,
        PROJECT: is_demo_project,
        SAMPLE: _is_our_sample,
    }
    return is_our_png if name.endswith(".png") else known.get(name)


def _is_our_sample(folder: Path) -> bool:
    files = [folder / name for name in ("image.tif", "labels.tif")]
    return all(is_our_tiff(file) for file in files if file.exists() or file.is_symlink())
