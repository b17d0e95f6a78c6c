"""Untrusted bytes: numpy arrays, YAML and zip archives within bounds, and what libraries raise at them."""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from napari_graft.core.errors import DamagedFileError, GraftError, InputError
from napari_graft.io.regular_files import open_regular

_LONGEST = 200
_PLAIN = (OSError, ValueError, RuntimeError, MemoryError)
"""Errors of these kinds speak for themselves; of others, such as KeyError, the kind says more."""

_OF_THE_SYSTEM = {
    errno.EACCES: "you may not read it, change its permissions",
    errno.EPERM: "you may not read it, change its permissions",
    errno.EMFILE: "too many files are open, close other programs or raise the limit with 'ulimit -n'",
    errno.EIO: "the disk cannot read it, copy it to another disk",
    errno.ESTALE: "the network drive was lost, connect it again",
}
"""What to do where the file may be whole and the system does not give it."""


@contextmanager
def foreign_errors(problem: str, remedy: str) -> Iterator[None]:
    """Raise an `InputError` for whatever a library raises in the block; our own errors pass.

    Readers of images raise nearly anything at a damaged file: ZeroDivisionError, TypeError, ParseError,
    OverflowError, zlib.error. To list them is to miss one, so this is the one place that takes them all.

    Parameters
    ----------
    problem, remedy
        What could not be done, with the name of the file, and what to do instead where the system is not to
        blame.

    Raises
    ------
    InputError
        If the library raised anything.
    """
    try:
        yield
    except GraftError:
        raise
    except Exception as error:  # see above
        number = error.errno if isinstance(error, OSError) else None
        raise InputError(
            f"{problem}: {words_of(error)}: {_OF_THE_SYSTEM.get(number or 0, remedy)}"
        ) from error


def words_of(error: Exception) -> str:
    """Return the first line of an error, with its kind where the text alone would not be understood.

    >>> words_of(KeyError(282))
    'KeyError 282'
    """
    lines = str(error).strip().splitlines()
    text = lines[0][:_LONGEST] if lines else ""
    return text if text and isinstance(error, _PLAIN) else f"{type(error).__name__} {text}".strip()


_MAX_DIMENSIONS = 32
_NUMBERS = "biuf"


def parse_npy(data: bytes, title: str) -> NDArray[np.generic]:
    """Return the array in the bytes of an ``.npy`` file; pickled objects are refused and never loaded.

    Raises
    ------
    InputError
        If it is damaged, holds no numbers, or says that it holds more than is there; `title` names it.
    """
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(file)
        if dtype.kind not in _NUMBERS or len(shape) > _MAX_DIMENSIONS:
            raise InputError(f"{title} holds {dtype} of shape {shape}, which are no images")
        n_bytes = prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or n_bytes != len(data) - file.tell():
            raise InputError(f"{title} is truncated or damaged: it holds no {shape} of {dtype}")
        flat: NDArray[np.generic] = np.frombuffer(data, dtype, offset=file.tell())
        return flat.reshape(shape, order="F" if is_fortran else "C")
    except InputError:
        raise
    except Exception as error:
        # numpy reads its header by Python's own parser, which fails on foreign bytes in any of its ways.
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{title} cannot be read ({reason}): get it again") from None


MAX_YAML_BYTES = 2**20
_MAX_DEPTH = 64
_MAX_NODES = 100_000
_CORE = "tag:yaml.org,2002:"


def check_yaml(text: bytes, title: str) -> None:
    """Refuse YAML that says more than its own words, before anything is made of it.

    Raises
    ------
    InputError
        If it is too large, no YAML, nested deep, gives a key twice, asks for objects by tags, or becomes
        immense where it refers to parts of itself (by aliases); `title` names it.
    """
    if len(text) > MAX_YAML_BYTES:
        raise InputError(f"{title} has {len(text)} bytes where {MAX_YAML_BYTES} are allowed: not read")
    try:
        _check_events(text, title)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None and _written_out(root, {}, title) > _MAX_NODES:
            raise InputError(
                f"{title} refers to parts of itself (YAML aliases) until it has more than {_MAX_NODES} "
                "entries: not read"
            )
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{title} is not YAML: {_first_line(error)}") from None


def parse_yaml(text: bytes, title: str) -> object:
    """Return the value that a YAML text says.

    Raises
    ------
    InputError
        As for `check_yaml`, or if a date or a number in it is none.
    """
    check_yaml(text, title)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, AttributeError) as error:
        # Its readers of dates, numbers and sets fail in many ways on what only looks like one.
        raise InputError(f"{title} is not YAML: {_first_line(error)}") from None


def _check_events(text: bytes, title: str) -> None:
    """Walk through a text without building anything of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise InputError(f"{title} is nested more than {_MAX_DEPTH} deep: not read")
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in (
            "!",
            *(f"{_CORE}{name}" for name in ("str", "int", "float", "bool")),
        ):
            raise InputError(
                f"{title} asks for an object by the YAML tag {str(tag)[:60]!r}: write plain values instead"
            )


def _written_out(node: yaml.Node, known: dict[int, int], title: str) -> int:
    """Return the number of entries below a node; `known` holds those that were counted, by identity."""
    if id(node) not in known:
        known[id(node)] = _MAX_NODES + 1  # what a node that holds itself would come to
        if isinstance(node, yaml.MappingNode):
            _refuse_twice([key.value for key, _ in node.value], title)
        parts: list[Any] = node.value if isinstance(node, yaml.CollectionNode) else []
        flat = [part for pair in parts for part in (pair if isinstance(pair, tuple) else (pair,))]
        known[id(node)] = 1 + sum(_written_out(part, known, title) for part in flat)
    return known[id(node)]


def _refuse_twice(keys: list[Any], title: str) -> None:
    seen: set[Hashable] = set()
    for key in keys:
        if not isinstance(key, str):
            raise InputError(f"{title} has a list or a mapping for a key: give it a word")
        if key in seen and key != "<<":
            raise InputError(f"{title} gives {key[:60]!r} twice: leave one of them out")
        seen.add(key)


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" (line {mark.line + 1})"
    problem = getattr(error, "problem", None) or str(error) or type(error).__name__
    return " ".join(str(problem).split())[:200] + where


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
