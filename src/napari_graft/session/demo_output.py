"""Files of a demonstration: the embedded sample, and the folder that it may write to.

That is a new folder, or that of an earlier demonstration that nobody has worked in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from glob import glob
from pathlib import Path

import tifffile

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import GraftError, InputError, StorageError
from napari_graft.core.strings import checksum_of
from napari_graft.io import atomic
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.io.regular_files import split_location
from napari_graft.io.writers.file_kinds import (
    NAME,
    Recogniser,
    is_our_json,
    is_our_page,
    is_our_png,
    is_our_tiff,
    program_name,
)
from napari_graft.io.writers.outputs import Input, Outputs
from napari_graft.project.manifest import BACKUP, MANIFEST
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.samples.presets import neuropil_sample
from napari_graft.session.projects.creation import ImageOptions, make_project

PROJECT, SAMPLE = "demo.graft", "sample"
_MARK = "demo.json"
_BEGINNING = ".demo-begins.json"
_UNFINISHED = f".{PROJECT}{atomic.TEMPORARY_SUFFIX}"
"""What `make_project` leaves where it is killed; it is removed by the next."""
_EMPTY = {MANIFEST, BACKUP, "lock", "lock.holder"}


class _DemoMark(Document):
    """Mark of a project that a demonstration made: which tiles and how many runs in it are its own.

    Parameters
    ----------
    tiles
        Checksums of the tiles that it has accepted, or is about to.
    n_runs
        Runs that it has trained, or is about to.
    is_going
        Whether the project is being removed.
    """

    made_by: str = NAME
    tiles: tuple[str, ...] = ()
    n_runs: int = 0
    is_going: bool = False


class _Beginning(Document):
    """Mark beside a project that a demonstration is about to make."""

    made_by: str = NAME


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


def make_demo_project(folder: Path, options: ImageOptions) -> Project:
    """Make the project of a demonstration; one that is killed while it does so can be called again.

    Raises
    ------
    InputError
        If the image cannot be used, or the folder holds something.
    StorageError
        If the disk is full.
    """
    beginning = folder.with_name(_BEGINNING)
    new_folders = [one for one in (folder.parent, *folder.parent.parents) if not one.exists()]
    with atomic.storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    write_document(beginning, _Beginning())
    try:
        made = make_project(folder, options)
    except GraftError:
        beginning.unlink()
        for one in new_folders:
            one.rmdir()
        raise
    mark_demo_project(made)
    beginning.unlink()
    return made


def mark_demo_project(
    project: Project, about_to: Sequence[LabelledTile] = (), *, n_more_runs: int = 0
) -> None:
    """Note in a project that it is as the demonstration has left it, and what the demonstration does next.

    Parameters
    ----------
    about_to
        Tiles that it is about to accept.
    n_more_runs
        Runs that it is about to train.
    """
    tiles = (*_checksums(project.annotations.labelled_tiles()), *_checksums(about_to))
    n_runs = len(project.runs.all()) + n_more_runs
    write_document(project.folder / _MARK, _DemoMark(tiles=tiles, n_runs=n_runs))


def remove_demo_project(folder: Path) -> None:
    """Remove a project; one that is killed while it does so can be called again."""
    write_document(folder / _MARK, _DemoMark(is_going=True))
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
        mark = _mark_of(folder)
        if mark.is_going:
            return True
        with open_project(folder) as project:
            tiles = _checksums(project.annotations.labelled_tiles())
            n_runs = len(project.runs.all())
            return set(tiles) <= set(mark.tiles) and n_runs <= mark.n_runs and not project.drafts()
    except InputError:
        return False


def _mark_of(folder: Path) -> _DemoMark:
    """Return the mark of a project; one that was about to get its first may hold nothing yet."""
    path = folder / _MARK
    if not path.exists() and _is_beginning(folder.with_name(_BEGINNING)):
        return _DemoMark()
    return read_document(_DemoMark, path, "demonstration")


def _is_beginning(path: Path) -> bool:
    try:
        return read_document(_Beginning, path, "demonstration").made_by == NAME
    except InputError:
        return False


def _checksums(tiles: Iterable[LabelledTile]) -> tuple[str, ...]:
    return tuple(
        checksum_of([one.tile.start, one.tile.shape, hashlib.sha256(one.labels.tobytes()).hexdigest()])
        for one in tiles
    )


def _recogniser(name: str) -> Recogniser | None:
    known: dict[str, Recogniser] = {
        "report.html": is_our_page,
        "report.json": is_our_json,
        PROJECT: is_demo_project,
        SAMPLE: _is_our_sample,
        _BEGINNING: _is_beginning,
        _UNFINISHED: lambda path: _is_beginning(path.with_name(_BEGINNING)),
    }
    return is_our_png if name.endswith(".png") else known.get(name)


def _is_our_sample(folder: Path) -> bool:
    files = [folder / name for name in ("image.tif", "labels.tif")]
    return all(is_our_tiff(file) for file in files if file.exists() or file.is_symlink())


def write_sample(folder: Path) -> tuple[str, str]:
    """Write the generated EM-like volume and its truth as TIFF files, and return their paths.

    Raises
    ------
    StorageError
        If they cannot be written.
    """
    sample = neuropil_sample()
    image, labels = folder / "image.tif", folder / "labels.tif"
    axes = {"axes": "ZYX"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(image, sample.image, compression="zlib", metadata=axes, software=program_name())
        tifffile.imwrite(labels, sample.segments, compression="zlib", metadata=axes, software=program_name())
    except OSError as error:
        raise StorageError(f"the sample cannot be written to {folder}: {error.strerror or error}") from None
    return str(image), str(labels)
