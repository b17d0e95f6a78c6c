"""Zip archives that may come from anyone: what is read is bounded, and every fault is said in words."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from napari_graft.core.errors import DamagedFileError, GraftError, InputError
from napari_graft.io.regular import open_regular

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_ENTRIES = 20_000
_HARMLESS_BYTES = 2**24
"""Up to this size an entry may be packed as tightly as it likes: a blank test image is."""
_MAX_RATIO = 200
_MAX_ARCHIVE_BYTES = 2**33


@contextmanager
def open_zip(
    place: Path | bytes, title: str, *, fault: str = "is truncated or damaged"
) -> Iterator[zipfile.ZipFile]:
    """Open an archive to read it; `title` is what errors call it, and `fault` what they say of it.

    Raises
    ------
    InputError
        If it is missing, no archive, or damaged in what is read of it while it is open.
    """
    try:
        with _opened(place) as file, zipfile.ZipFile(file) as archive:
            if isinstance(place, Path):
                archive.filename = str(place)  # or it is the number of the open file
            yield archive
    except DamagedFileError as error:
        raise InputError(f"{title} cannot be opened ({error}): give the path of a file") from None
    except GraftError:
        raise
    except FileNotFoundError:
        raise InputError(f"{title} is missing: check the path") from None
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"{title} cannot be read: {error.strerror}") from None
    except Exception as error:
        # A changed byte makes zipfile and zlib raise what they meet: BadZipFile, zlib.error, EOFError,
        # OSError, struct.error, OverflowError, RuntimeError, NotImplementedError, UnicodeDecodeError, …
        raise InputError(f"{title} {fault} ({_one_line(error)}): get it again") from None


def _opened(place: Path | bytes) -> IO[bytes]:
    if isinstance(place, bytes):
        return io.BytesIO(place)
    return io.BufferedReader(open_regular(place, limit=_MAX_ARCHIVE_BYTES, follow_links=True))


def names_in_zip(path: Path) -> list[str]:
    """Return the names of the files in an archive, none where a path is no archive that can be read."""
    try:
        with open_zip(path, "archive") as archive:
            return archive.namelist()
    except InputError:
        return []


def refuse_paths(names: Sequence[str], title: str) -> None:
    """Raise an `InputError` where a name in an archive leads out of it, or stands there twice."""
    for name in names:
        is_odd = "\\" in name or ":" in name or "\0" in name or not name.strip("/. ")
        if is_odd or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise InputError(f"{title} holds a file {name!r} whose path leads out of it: not opened")
    if len(set(names)) != len(names):
        raise InputError(f"{title} holds a file twice: not opened")


def refuse_sizes(entries: Sequence[zipfile.ZipInfo], title: str, limit: int) -> None:
    """Raise an `InputError` where an archive is encrypted, or says to hold more than anyone needs."""
    if any(entry.compress_type not in _METHODS or entry.flag_bits & 1 for entry in entries):
        raise InputError(f"{title} is encrypted or compressed in an unusual way: not opened")
    size = sum(entry.file_size for entry in entries)
    if size > limit or len(entries) > _MAX_ENTRIES:
        raise InputError(
            f"{title} would unpack to {size} bytes in {len(entries)} files, where {limit} bytes and "
            f"{_MAX_ENTRIES} files are allowed: not opened"
        )
    for entry in entries:
        if entry.file_size > max(_HARMLESS_BYTES, _MAX_RATIO * entry.compress_size):
            raise InputError(
                f"{title} would unpack {entry.compress_size} bytes of {entry.filename!r} to "
                f"{entry.file_size}: not opened"
            )


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, title: str) -> bytes:
    """Return one file of an archive of at most `limit` bytes, checked against its checksum.

    Raises
    ------
    InputError
        If it says that it is larger.
    """
    if entry.file_size > limit:
        raise InputError(
            f"{entry.filename!r} in {title} has {entry.file_size} bytes where {limit} are allowed: not opened"
        )
    return archive.read(entry)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
