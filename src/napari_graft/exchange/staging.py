"""Folders in which sources are made before they are added; what a killed process left there is removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from napari_graft.io import atomic

_FOLDER = "adding"
_LOCK_SUFFIX = ".lock"


@contextmanager
def staging_folder(home: Path) -> Iterator[Path]:
    """Give an empty folder in the user's own, and remove it afterwards.

    It lies there and not where the system has its temporary files, so that the next call finds what one left
    that was killed: its lock is open then.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    root = home / _FOLDER
    folder = root / uuid4().hex
    with atomic.storage_errors(folder):
        root.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(root)
        lock = FileLock(f"{folder}{_LOCK_SUFFIX}")
        lock.acquire()
        folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder, lock)
        with suppress(OSError):
            root.rmdir()  # it stays where another process is adding a source


def _remove_abandoned(root: Path) -> None:
    for path in root.glob(f"*{_LOCK_SUFFIX}"):
        lock = FileLock(path)
        with suppress(Timeout):
            lock.acquire(timeout=0)
            _remove(path.with_suffix(""), lock)


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
