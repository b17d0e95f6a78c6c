"""Files that are either the old ones or the whole new ones, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from uuid import uuid4

from napari_graft.core.errors import StorageError

TEMPORARY_SUFFIX = ".partial"
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.partial$")
_UNFINISHED_NAME = re.compile(rf"\.(.+){_UNFINISHED.pattern}")


LONGEST_NAME = 255
"""Bytes that a name may have on the usual file systems."""


def beside(target: Path, suffix: str, prefix: str = "") -> Path:
    """Return a path in the folder of `target`, named after it; a long name is cut, for the suffix to fit."""
    room = LONGEST_NAME - len((prefix + suffix).encode())
    name = target.name.encode()[:room].decode(errors="ignore")
    return target.with_name(f"{prefix}{name}{suffix}")


def write_bytes(path: str | os.PathLike[str], data: bytes, *, is_synced: bool = True) -> None:
    """Write a file so that a reader, or a restart after a crash, sees the old content or all of the new.

    Parameters
    ----------
    is_synced
        Whether to wait for the disk; else, after a power cut, the file may be damaged.

    Raises
    ------
    StorageError
        If the file cannot be written, for example because the disk is full; the old file is still there.
    """
    target = Path(path)
    temporary = beside(target, f".{uuid4().hex}{TEMPORARY_SUFFIX}", ".")
    with storage_errors(target):
        try:
            temporary.write_bytes(data)
            if is_synced:
                publish_file(temporary, target)
            else:
                temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def finished_name(name: str) -> str | None:
    """Return what a file was to be called whose writer was killed, None where `name` is no such file's."""
    match = _UNFINISHED_NAME.fullmatch(name)
    return None if match is None else match[1]


def remove_unfinished(folder: Path, *, seconds: float = 0.0) -> None:
    """Remove the files that writers left in a folder when they were killed.

    What is called otherwise than `write_bytes` calls them is not ours and stays.

    Parameters
    ----------
    seconds
        How old they are at least, where others may be writing there at this moment.
    """
    latest = time.time() - seconds
    with storage_errors(folder):
        for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
            with suppress(FileNotFoundError):  # finished by its writer meanwhile
                if _UNFINISHED.search(path.name) and path.lstat().st_mtime <= latest:
                    path.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 text file as `write_bytes` does, line ends unchanged."""
    write_bytes(path, text.encode())


def publish_file(temporary: Path, target: Path) -> None:
    """Move a finished file of the same folder tree over `target`, once its content is safely on the disk."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    sync_folder(target.parent)


def append_at(file: FileIO, end: int, data: bytes) -> None:
    """Cut an open file off at `end`, then add `data` and wait until it is on the disk, wholly or not at all.

    Raises
    ------
    OSError
        If it cannot be written; the file then ends at `end`.
    """
    file.truncate(end)
    file.seek(end)
    try:
        written = 0
        while written < len(data):
            written += file.write(data[written:])
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.truncate(end)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    if os.name == "nt":  # Windows keeps its folders itself and cannot open them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Bring all files below a folder to the disk, and the names of all."""
    for place, _, names in os.walk(folder):
        for name in names:
            with (Path(place) / name).open("rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `path` into a `StorageError` with a remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {path}: {_explain(path, error)}") from error


def _explain(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = ""
        free = ""
        with suppress(OSError):
            free = f" ({shutil.disk_usage(path.parent).free / 2**20:.1f} MB free)"
        return f"the disk is full{free}: free some space or choose another disk, then run again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "you may not write there: choose another folder"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "its folder does not exist: create it or choose another"
    return f"{error.strerror or error}: check the path and the disk"
