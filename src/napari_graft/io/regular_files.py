"""Paths of images, and opening of files of bounded size: no pipe or device, no link where none belongs."""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic

DATASET_MARK = "::"


def split_location(path: str) -> tuple[str, str]:
    """Return the file or folder that a path names, and what follows ``::``, empty where nothing does.

    A file whose own name, or folder, contains ``::`` wins; where nothing is there, the last ``::`` counts.

    >>> split_location("cells.h5::/raw")
    ('cells.h5', '/raw')
    """
    expanded = os.path.expanduser(path)
    if DATASET_MARK not in path or os.path.lexists(expanded):
        return path, ""
    parts = path.split(DATASET_MARK)
    for n in range(len(parts) - 1, 0, -1):
        location = DATASET_MARK.join(parts[:n])
        if os.path.lexists(os.path.expanduser(location)):
            return location, DATASET_MARK.join(parts[n:])
    return DATASET_MARK.join(parts[:-1]), parts[-1]


_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows lacks these
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def open_regular(path: Path, *, limit: int, write: bool = False, follow_links: bool = False) -> FileIO:
    """Open a file that exists, without buffering, once it is known that it can be read to its end.

    Parameters
    ----------
    limit
        Largest size in bytes.
    write
        Whether it may be written as well.
    follow_links
        Whether the file may be a link to another; folders above it may always be links.

    Raises
    ------
    DamagedFileError
        If it is no regular file, or larger than `limit`.
    OSError
        If it is missing, or may not be opened.
    StorageError
        If a file that has several names cannot be copied before it is written.
    """
    refuse_irregular(path, follow_links=follow_links)
    flags = (os.O_RDWR if write else os.O_RDONLY) | _NO_WAITING | _BINARY
    # Whoever puts a link there between the look above and this line meets the operating system.
    file = FileIO(
        os.open(path, flags | (0 if follow_links else _NO_FOLLOW)), "r+" if write else "r", closefd=True
    )
    found = os.fstat(file.fileno())
    is_fit = stat.S_ISREG(found.st_mode) and found.st_size <= limit
    if is_fit and write and found.st_nlink > 1:
        # A backup may share the file by a hard link, and must not change with it.
        with file:
            atomic.write_bytes(path, file.read())
        return open_regular(path, limit=limit, write=True, follow_links=follow_links)
    if is_fit:
        return file
    file.close()
    if stat.S_ISREG(found.st_mode):
        raise DamagedFileError(
            f"{str(path)!r} has {found.st_size} bytes, which is larger than the {limit} that it may have"
        )
    raise _refusal(path, found.st_mode)


def read_regular(path: Path, *, limit: int, follow_links: bool = False) -> bytes:
    """Return the content of a file; errors as for `open_regular`."""
    with open_regular(path, limit=limit, follow_links=follow_links) as file:
        return file.readall()


def refuse_missing(path: str | os.PathLike[str], problem: str) -> None:
    """Raise an error where nothing is at `path`, or nobody can tell.

    Raises
    ------
    InputError
        With `problem` where nothing is there, which would be wrong to say where a folder may not be entered.
    """
    try:
        os.stat(path)
    except PermissionError:
        raise InputError(
            f"{os.fspath(path)!r} cannot be looked at: you may not enter its folder, change the permissions "
            "of that"
        ) from None
    except (OSError, ValueError):  # also a name of 300 letters, a link to itself, a null byte
        raise InputError(problem) from None


def read_named(path: Path, *, limit: int, title: str) -> bytes:
    """Return the content of a file that the user names, which may be a link; `title` is what errors call it.

    Raises
    ------
    InputError
        If it is missing, may not be read, is no regular file, or larger than `limit`.
    """
    try:
        return read_regular(path, limit=limit, follow_links=True)
    except FileNotFoundError:
        raise InputError(f"{title} {str(path)!r} is missing: check the path") from None
    except OSError as error:
        raise InputError(f"{title} {str(path)!r} cannot be read: {error.strerror or error}") from None
    except DamagedFileError as error:
        raise InputError(f"{title} {error}: not read") from None


def find_link(folder: Path) -> Path | None:
    """Return a link that lies anywhere in a folder, None where none does or the folder is missing."""
    for current, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(current, name)
            if path.is_symlink():
                return path
    return None


def create_regular(path: Path) -> None:
    """Make an empty file where there is nothing, not even a link that leads nowhere.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def refuse_irregular(path: Path, *, follow_links: bool = False) -> None:
    """Raise an error where a path is there and no regular file, before it is opened: some devices act then.

    Raises
    ------
    DamagedFileError
        If so.
    OSError
        If it is missing, or may not be looked at.
    """
    mode = (path.stat() if follow_links else path.lstat()).st_mode
    if not stat.S_ISREG(mode):
        raise _refusal(path, mode)


def _refusal(path: Path, mode: int) -> DamagedFileError:
    return DamagedFileError(f"{str(path)!r} cannot be read: it is {_kind(mode)} where a file belongs")


def _kind(mode: int) -> str:
    kinds = {stat.S_ISLNK: "a link", stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe"}
    return next((name for is_kind, name in kinds.items() if is_kind(mode)), "a device or socket")
