"""The lock that lets one process at a time write to a project."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from filelock import FileLock, Timeout

from napari_graft.core.errors import DamagedFileError, InputError, ProjectBusyError, StorageError
from napari_graft.io import atomic
from napari_graft.io.damage import DamageLog
from napari_graft.io.regular import read_regular

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
