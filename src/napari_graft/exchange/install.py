"""Put a checked source among the user's own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from napari_graft.core.errors import IdTakenError
from napari_graft.io import atomic
from napari_graft.sources import archive
from napari_graft.sources.catalogue import user_sources
from napari_graft.sources.source import Source, open_source


def install(source: Source, home: Path, *, replaces: bool = False) -> Source:
    """Copy a source to the user's folder and return it there; it appears with all its files or not at all.

    Parameters
    ----------
    home
        The user's folder, see `user_home`.
    replaces
        Whether it takes the place of another one of its id.

    Raises
    ------
    IdTakenError
        If another source has its id and is to stay.
    InputError
        If its files are damaged.
    StorageError
        If the disk is full; then all is as it was.
    """
    files = source.read_files()
    folder = user_sources(home) / source.id
    if folder.exists():
        if _read_files(folder) == files:
            return open_source(folder, "user")
        if not replaces:
            raise IdTakenError(source.id, str(folder))
    # A dot hides them from the catalogue.
    unfinished = folder.with_name(f".{folder.name}{atomic.TEMPORARY_SUFFIX}")
    before = folder.with_name(f".{folder.name}.before")
    try:
        with atomic.storage_errors(folder):
            shutil.rmtree(unfinished, ignore_errors=True)
            _write_files(unfinished, files)
            _put(unfinished, folder, before)
            atomic.sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(before, ignore_errors=True)
    return open_source(folder, "user")


def _put(new: Path, folder: Path, aside: Path) -> None:
    """Move `new` to the place of `folder`; what was there comes back where that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    try:
        new.rename(folder)
    except BaseException:
        aside.rename(folder)
        raise


def _read_files(folder: Path) -> Mapping[str, bytes]:
    return {n: (folder / n).read_bytes() for n in archive.MEMBER_LIMITS if (folder / n).is_file()}


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in files.items():
        atomic.write_bytes(folder / name, data)
