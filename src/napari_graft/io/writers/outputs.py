"""What may be written where: never over an input, nor over anything that is not an earlier result of ours.

Every file and folder that a user names for an output is checked here before any work is done, and once more
when it is put in its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.io.atomic import finished_name, storage_errors, write_bytes
from napari_graft.io.writers.file_kinds import FileKind, Recogniser, looks_like_our_zarr, other_kind

PROJECT_SUFFIX, PROJECT_FILE, PROJECT_FOLDER = ".graft", "project.json", "annotations"
"""What a project is known by, also one that is damaged."""

_ZARR_FILES = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
_OF_THE_SYSTEM = {".DS_Store", "Thumbs.db", "desktop.ini"}
_OTHER = "choose another name"
_HOW_TO = "choose another name, or say --overwrite to replace it"


@dataclass(frozen=True, slots=True)
class Input:
    """A file or a folder that is read, and what it is to the user, such as ``"the image"``."""

    path: Path
    what: str


@dataclass(frozen=True, slots=True)
class Outputs:
    """Guard of what a command writes: refuses where something would be lost.

    Parameters
    ----------
    inputs
        What is read; no output is one of them, holds one or lies in one, whatever links there are.
    may_overwrite
        Whether the user wants files replaced that are not known to be ours. That never goes for inputs,
        projects, files of another kind, and folders with anything that we do not write.
    project
        A project that writes its own results inside itself, None for outputs of the user.
    """

    inputs: tuple[Input, ...] = ()
    may_overwrite: bool = False
    project: Path | None = None

    def check_surroundings(self, path: Path) -> None:
        """Refuse a place in an input or in a project; errors as for `check_file`."""
        with storage_errors(path):
            _refuse_links(path)
            real = Path(os.path.realpath(path))
            for one in self.inputs:
                self._refuse_input(path, real, one)
            self._refuse_projects(path, real.parents)

    def check_file(self, path: Path, kind: FileKind) -> None:
        """Refuse a file that may not be written.

        Raises
        ------
        InputError
            If there is something else, or it is or lies in an input or a project.
        StorageError
            If the place cannot be looked at.
        """
        with storage_errors(path):
            self._check_place(path)
            if not os.path.lexists(path):
                return
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                found = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
                raise InputError(f"{path} is {found} that holds something else: choose another name")
            if kind.is_ours(path):
                return
            if path.stat().st_size and not kind.is_alike(path):
                raise InputError(f"{path} exists and is not {kind.name}: choose another name")
            if not self.may_overwrite:
                raise InputError(f"{path} exists and is no earlier result of napari-graft: {_HOW_TO}")

    def write(self, path: Path, data: bytes | str, kind: FileKind) -> None:
        """Write a result as `atomic.write_bytes` does, unless something else has come there meanwhile.

        Raises
        ------
        InputError, StorageError
            As for `check_file`, or if the disk is full.
        """
        self.check_file(path, kind)
        write_bytes(path, data.encode() if isinstance(data, str) else data)

    def check_zarr(self, path: Path, is_ours: Recogniser) -> None:
        """Refuse a zarr folder that may not be replaced as a whole; errors as for `check_file`."""
        with storage_errors(path):
            self._check_place(path)
            if not os.path.lexists(path) or is_ours(path):
                return
            if not path.is_dir():
                raise InputError(f"{path} is a file that holds something else: choose another name")
            if not looks_like_our_zarr(path):
                raise InputError(
                    f"{path} is a folder that holds something else than a result of napari-graft: "
                    "choose another name"
                )
            if not self.may_overwrite:
                raise InputError(
                    f"{path} was changed since napari-graft wrote it, or is of an earlier version: {_HOW_TO}"
                )

    def check_folder(self, path: Path, known: Callable[[str], Recogniser | None]) -> None:
        """Refuse a folder into which a command may not write its files.

        It may be new, empty, or hold earlier results of the command; what else lies beside these stays.

        Parameters
        ----------
        known
            For the name of each file and folder that the command writes, how one of ours is recognised; None
            for any other name.

        Raises
        ------
        InputError, StorageError
            As for `check_file`.
        """
        with storage_errors(path):
            self._check_place(path)
            if not os.path.lexists(path):
                return
            if not path.is_dir():
                raise InputError(f"{path} is a file where a folder is needed: choose another name")
            names = [name for name in sorted(os.listdir(path)) if name not in _OF_THE_SYSTEM]
            # What a killed call of ours was writing stands for nothing, and is removed by the next.
            written = [name for name in names if known(finished_name(name) or "") is None]
            found = {name: known(name) for name in written}
            ours = {name for name, is_ours in found.items() if is_ours and _is_real(path / name, is_ours)}
            foreign = [name for name, is_ours in found.items() if is_ours is None]
            if foreign and not ours:
                raise InputError(
                    f"{path} holds {foreign[0]!r}, which napari-graft did not write: "
                    "choose a new or an empty folder"
                )
            self._check_entries(path, [name for name in found if name not in ours and name not in foreign])

    def _check_entries(self, folder: Path, doubtful: Iterable[str]) -> None:
        """Refuse entries that would be written over and are not known to be ours."""
        for name in doubtful:
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise InputError(f"{path} is no earlier result of napari-graft: choose another folder")
            expected = other_kind(path)
            if expected:
                raise InputError(f"{path} is not {expected}, as its name says: choose another folder")
            if not self.may_overwrite:
                raise InputError(f"{path} exists and is no earlier result of napari-graft: {_HOW_TO}")

    def _check_place(self, path: Path) -> None:
        _refuse_links(path)
        real = Path(os.path.realpath(path))
        nearest = next(parent for parent in real.parents if os.path.lexists(parent))
        if not nearest.is_dir():
            raise InputError(f"{nearest} is a file, so nothing can be written in it: choose another folder")
        for one in self.inputs:
            self._refuse_input(path, real, one)
        self._refuse_projects(path, (real, *real.parents))
        _refuse_zarr(path, {*real.parents, *Path(os.path.abspath(path)).parents})

    def _refuse_projects(self, path: Path, folders: Iterable[Path]) -> None:
        for folder in folders:
            if is_project(folder) and not _is_same(folder, self.project):
                raise InputError(f"{path} lies in the project {folder}: choose a place outside of projects")
            if folder.suffix.lower() == PROJECT_SUFFIX and not os.path.lexists(folder):
                # Once it is there it would be taken for a project, and the result refused after all the work.
                raise InputError(f"{path} would lie in {folder}, and only projects are called so: {_OTHER}")

    def _refuse_input(self, path: Path, real: Path, one: Input) -> None:
        identity = _identity(one.path)
        if identity is None:
            return
        if identity == _identity(path):
            raise InputError(f"{path} is {one.what}: nothing is written over it, choose another name")
        # By name as well: a chunk folder of a zarr image may be a link that leads out of it.
        if identity in map(_identity, {*real.parents, *Path(os.path.abspath(path)).parents}):
            raise InputError(f"{path} lies in {one.what}, {one.path}: choose a place outside of it")
        around = {*Path(os.path.realpath(one.path)).parents, *Path(os.path.abspath(one.path)).parents}
        if _identity(path) in map(_identity, around):
            raise InputError(f"{path} holds {one.what}, {one.path}: choose another folder")


NO_INPUTS = Outputs()
"""For what is written by a function that reads no file of the user's."""


def check_apart(first: Path, second: Path) -> None:
    """Refuse two outputs of one command that are one, or of which one lies in the other.

    Raises
    ------
    InputError
        If so. Names that differ in case alone are one file on some systems.
    """
    parts = [[part.casefold() for part in Path(os.path.realpath(one)).parts] for one in (first, second)]
    shorter = min(map(len, parts))
    if parts[0][:shorter] == parts[1][:shorter]:
        raise InputError(
            f"{first} and {second} cannot hold both results: name two files, neither of them in the other"
        )


def is_project(folder: Path) -> bool:
    """Say whether a folder is a project, or was one before it was damaged."""
    if not folder.is_dir():
        return False
    is_named = folder.suffix.lower() == PROJECT_SUFFIX
    return is_named or ((folder / PROJECT_FILE).is_file() and (folder / PROJECT_FOLDER).is_dir())


def _refuse_links(path: Path) -> None:
    """Refuse an output that is a link, and one below a link that leads nowhere."""
    if path.is_symlink():
        leads = f"a link to {os.path.realpath(path)}" if path.exists() else "a link that leads nowhere"
        raise InputError(f"{path} is {leads}: name the file itself")
    for parent in path.absolute().parents:
        if parent.is_symlink() and not parent.exists():
            raise InputError(f"{parent} is a link that leads nowhere: choose another folder")


def _refuse_zarr(path: Path, folders: Iterable[Path]) -> None:
    """Refuse a place among the arrays and chunks of a zarr folder, where readers look for nothing else."""
    for folder in folders:
        if any(os.path.lexists(folder / name) for name in _ZARR_FILES):
            raise InputError(f"{path} lies in {folder}, a zarr folder: choose a place outside of it")


def _is_real(path: Path, is_ours: Recogniser) -> bool:
    return not path.is_symlink() and is_ours(path)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what is the same for all names of a file or folder, None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _is_same(folder: Path, other: Path | None) -> bool:
    return other is not None and _identity(folder) == _identity(other)
