"""Make a project, and open one."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from napari_graft.core.errors import InputError, StorageError
from napari_graft.io import Volume, atomic
from napari_graft.io.documents import DamageLog
from napari_graft.io.writers.outputs import Input, Outputs
from napari_graft.project.folder import (
    ANNOTATIONS,
    CACHE,
    RUNS,
    WriterLock,
    refuse_links,
    set_aside_what_is_no_folder,
)
from napari_graft.project.image_file import ImageChoice, ImageSignature, to_stored_path
from napari_graft.project.manifest import BACKUP, MANIFEST, ProjectManifest, load_manifest, store_manifest
from napari_graft.project.project import Project
from napari_graft.sources.card import Structure

_HOUR = 3600.0


def create_project(
    folder: str | os.PathLike[str],
    image: ImageChoice,
    *,
    structure: Structure | None = None,
    intensity_range: tuple[float, float] | None = None,
    inverted: bool = False,
    adopt_image: bool = False,
) -> Project:
    """Make a project and return it, open for writing.

    The folder appears with all that belongs to it, or not at all.

    Parameters
    ----------
    folder
        Where the project will be; it must not exist yet, or be empty.
    image
        The image.
    structure, intensity_range, inverted
        As in `ProjectManifest`.
    adopt_image
        Whether the image's file, on the same disk, moves into the project.

    Raises
    ------
    InputError
        If the folder holds something, or the image cannot be read.
    StorageError
        If the disk is full.
    """
    path = Path(folder).expanduser()
    refuse_existing(path)
    Outputs((Input(image.file, "the image"),)).check_surroundings(path)
    manifest = _describe(path, image, image.open(), structure)
    changes: dict[str, object] = {"intensity_range": intensity_range, "inverted": inverted}
    if adopt_image:
        changes["image"] = to_stored_path(str(path / image.file.name), path)
    _make_folder(path, manifest.model_copy(update=changes), image.file if adopt_image else None)
    return open_project(path, write=True)


def refuse_existing(folder: Path) -> None:
    """Raise an error where a project cannot be made because something is there already.

    Raises
    ------
    InputError
        If so.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{str(folder)!r} exists already: choose another name, or open that project")


def open_project(folder: str | os.PathLike[str], *, write: bool = False) -> Project:
    """Open a project.

    Parameters
    ----------
    folder
        Where it is.
    write
        Whether to write to it; there can be one writer at a time, and any number of readers beside it.

    Raises
    ------
    InputError
        If there is no project, it holds links, or its manifest is of a newer format or damaged beyond help.
    ProjectBusyError
        If another process is writing to it.
    """
    path = _find(folder)
    damage = DamageLog(writable=write)
    lock = WriterLock(path, damage) if write else None
    try:
        if write:
            _remove_unfinished_files(path)
        project = Project(path, load_manifest(path, damage), lock, damage=damage)
        set_aside_what_is_no_folder(path, damage)
        if write:
            _complete_manifest(project)
            project.runs.clear_leftovers()
        return project
    except BaseException:
        if lock is not None:
            lock.release()
        raise


def open_delegate(folder: str | os.PathLike[str]) -> Project:
    """Open a project to train in it on behalf of the process that holds it for writing.

    A delegate reads everything and writes runs only: it takes no lock, and removes nothing that is
    unfinished.

    Raises
    ------
    InputError
        If there is no project, or its manifest is damaged or of a newer format.
    """
    path = _find(folder)
    damage = DamageLog(writable=False)
    return Project(path, load_manifest(path, damage), is_delegate=True, damage=damage)


def holds_project(folder: Path) -> bool:
    """Say whether a project is in a folder; not so where that may not be looked at, or cannot be a folder."""
    try:
        return (folder.expanduser() / MANIFEST).is_file()
    except (OSError, RuntimeError, ValueError):  # a name of 300 letters, an unknown user, a null byte
        return False


def _find(folder: str | os.PathLike[str]) -> Path:
    path = Path(folder).expanduser()
    try:
        is_folder = path.is_dir()
        if is_folder:
            (path / MANIFEST).is_file()  # raises where the folder may not be entered
    except OSError as error:  # a name of 300 letters, a folder that may not be entered
        raise InputError(f"{str(path)!r} cannot be opened: {error.strerror or error}") from None
    if not is_folder:
        raise InputError(f"no project is at {str(path)!r}: make one with 'napari-graft new'")
    if not any(os.path.lexists(path / name) for name in (MANIFEST, BACKUP)):
        raise InputError(f"{str(path)!r} is no napari-graft project: {MANIFEST} is missing in it")
    refuse_links(path)
    return path


def _make_folder(path: Path, manifest: ProjectManifest, adopted: Path | None) -> None:
    unfinished = atomic.beside(path, atomic.TEMPORARY_SUFFIX, ".")
    is_ours = False
    try:
        with atomic.storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_unfinished_folder(unfinished, adopted)
            unfinished.mkdir()
            is_ours = True
            for name in (ANNOTATIONS, RUNS):
                (unfinished / name).mkdir()
            if adopted is not None:
                adopted.rename(unfinished / adopted.name)
            store_manifest(unfinished, manifest)
            if path.exists():
                path.rmdir()
            unfinished.rename(path)
            atomic.sync_folder(path.parent)
    finally:
        if is_ours:
            shutil.rmtree(unfinished, ignore_errors=True)


def _remove_unfinished_folder(folder: Path, adopted: Path | None) -> None:
    """Remove what was left by an attempt to make a project that was killed, and nothing else."""
    if not os.path.lexists(folder):
        return
    ours = {ANNOTATIONS, RUNS, MANIFEST, BACKUP, adopted and adopted.name}
    if (
        folder.is_symlink()
        or not folder.is_dir()
        or any(path.name not in ours and path.suffix != atomic.TEMPORARY_SUFFIX for path in folder.iterdir())
    ):
        raise InputError(f"{str(folder)!r} is in the way of a new project: move it elsewhere")
    shutil.rmtree(folder)


def _complete_manifest(project: Project) -> None:
    """Write what is missing of the manifest and its copy: one was damaged, or is of an earlier version."""
    if not all((project.folder / name).is_file() for name in (MANIFEST, BACKUP)):
        with contextlib.suppress(StorageError):  # on a full disk the project can still be opened
            store_manifest(project.folder, project.manifest)


def _remove_unfinished_files(folder: Path) -> None:
    """Remove what writers that were killed left behind; to be called by the one writer."""
    with atomic.storage_errors(folder):
        for place in ("", "annotations/", "runs/", "runs/*/", "runs/trial/*/"):
            for path in folder.glob(f"{place}.*{atomic.TEMPORARY_SUFFIX}"):
                if path.is_file():
                    # A delegate of a writer that was killed may be finishing its file at this moment.
                    path.unlink(missing_ok=True)
        # Readers write there too.
        for cache in (folder / CACHE, folder / CACHE / "measured"):
            if not cache.is_symlink():
                atomic.remove_unfinished(cache, seconds=_HOUR)


def _describe(path: Path, image: ImageChoice, volume: Volume, structure: Structure | None) -> ProjectManifest:
    try:
        signature = ImageSignature.of(image.file)
    except OSError as error:
        raise InputError(f"image {image.path!r} cannot be read: {error.strerror or error}") from None
    return ProjectManifest(
        name=path.stem,
        image=to_stored_path(image.path, path),
        signature=signature,
        shape=volume.shape,
        axes="".join(volume.axes.names),
        declared_axes=image.axes,
        channel=image.channel,
        pixel_size=volume.axes.pixel_size,
        unit=volume.axes.unit,
        pixel_size_from=volume.size_note.origin,
        pixel_size_doubt=volume.size_note.doubt,
        structure=structure,
        versions=program_versions(),
    )


def program_versions() -> dict[str, str]:
    """Return the versions of the program and of Python, by name."""
    try:
        ours = version("napari-graft")
    except PackageNotFoundError:  # run from a checkout that was not installed
        ours = "unknown"
    return {"napari-graft": ours, "python": platform.python_version()}
