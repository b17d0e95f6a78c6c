"""The folder of a project: what belongs in it, what of it may not be used, and who may write to it."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from napari_graft.core.errors import DamagedFileError, InputError, ProjectBusyError, StorageError
from napari_graft.io import atomic
from napari_graft.io.documents import DamageLog
from napari_graft.io.regular_files import read_regular

ANNOTATIONS, RUNS, DRAFTS, CACHE, RESULTS = "annotations", "runs", "drafts", "cache", "results"
FOLDERS = (ANNOTATIONS, RUNS, DRAFTS, CACHE, RESULTS)
_FILE_SUFFIXES = (".json", ".jsonl")
_LOCKS = ("lock", "lock.holder")
_LARGE = (".zarr", f".zarr{atomic.TEMPORARY_SUFFIX}")
"""Results with a file for each chunk, which are looked through when they are used."""


def refuse_links(folder: Path) -> None:
    """Refuse a project in whose places something is a link: what is written there would land elsewhere.

    The folder itself may be reached by a link, and what is not the project's own, such as an image, may be
    one.

    Raises
    ------
    InputError
        If so, or a folder in it may not be looked into.
    """
    with _readable(folder), os.scandir(folder) as entries:
        ours = [entry for entry in entries if _is_ours(entry.name)]
    for entry in ours:
        if entry.is_symlink():
            raise _refusal(folder, entry.path)
        if entry.is_dir(follow_symlinks=False):
            refuse_links_below(Path(entry.path), folder)


def refuse_links_below(place: Path, project: Path, *, with_large: bool = False) -> None:
    """Refuse links anywhere below a folder of a project; in large results only where that is asked for.

    Raises
    ------
    InputError
        As for `refuse_links`.
    """
    waiting = [place]
    while waiting:
        current = waiting.pop()
        with _readable(current), os.scandir(current) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _refusal(project, entry.path)
                if entry.is_dir(follow_symlinks=False) and (with_large or not entry.name.endswith(_LARGE)):
                    waiting.append(Path(entry.path))


def set_aside_what_is_no_folder(folder: Path, damage: DamageLog) -> None:
    """Set aside what is there under the name of a folder of the project and is none."""
    for name in FOLDERS:
        path = folder / name
        if os.path.lexists(path) and not path.is_dir():
            damage.set_aside(
                DamagedFileError(f"{str(path)!r} is no folder: restore what was in it from a backup"), path
            )


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{str(folder)!r} cannot be read: {error.strerror or error}; check its permissions"
        ) from None


def _is_ours(name: str) -> bool:
    is_temporary = name.startswith(".") and name.endswith(atomic.TEMPORARY_SUFFIX)
    return name in FOLDERS or name in _LOCKS or name.endswith(_FILE_SUFFIXES) or is_temporary


def _refusal(project: Path, path: str) -> InputError:
    return InputError(
        f"project {str(project)!r} holds a link, {path!r}, and links inside a project are refused: "
        "put what it leads to in its place, or remove it"
    )


_LONGEST_NAME = 1024


class WriterLock:
    """Lock of a project's one writer, held until it is released or the process ends, however it ends.

    The lock is the kernel's, on a file that stays; which process holds it stands in a second file, since the
    first cannot be read on every system while it is locked.

    Parameters
    ----------
    folder
        The project's folder.
    damage
        Told of what is in the place of the lock and is none.

    Raises
    ------
    ProjectBusyError
        If another process, or another part of this one, holds it.
    InputError
        If the folder does not allow writing.
    """

    def __init__(self, folder: Path, damage: DamageLog) -> None:
        self._holder = folder / "lock.holder"
        _set_aside_what_is_no_lock(folder / "lock", damage)
        self._lock = FileLock(folder / "lock", timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise ProjectBusyError(
                f"project {str(folder)!r} is being written by {self._describe_holder()}: "
                "close it there, then try again"
            ) from None
        except OSError as error:
            raise InputError(
                f"project {str(folder)!r} cannot be written: {error.strerror or error}; check its permissions"
            ) from None
        # On a full disk the project can still be opened, and the next writer is told less.
        with contextlib.suppress(StorageError):
            atomic.write_text(self._holder, f"process {os.getpid()} on {socket.gethostname()}")

    def release(self) -> None:
        """Let others write; more than once does no harm."""
        self._lock.release()

    def _describe_holder(self) -> str:
        try:
            words = read_regular(self._holder, limit=_LONGEST_NAME).decode("utf-8", "replace")
        except (OSError, DamagedFileError):
            return "another process"
        return words if words.isprintable() and words else "another process"


def _set_aside_what_is_no_lock(path: Path, damage: DamageLog) -> None:
    """Set aside what the lock could empty or wait for: ours is an empty file."""
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size:
            damage.set_aside(DamagedFileError(f"lock {str(path)!r} is none of napari-graft"), path)
