"""JSON documents with a version and a checksum, logs of one document a line, and damaged files set aside."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.progress import NOTE
from napari_graft.core.strings import checksum_of
from napari_graft.io import atomic
from napari_graft.io.regular_files import create_regular, open_regular, read_regular

MAX_DOCUMENT_BYTES = 32 * 2**20
CHECKSUM = "checksum"
"""Key of the checksum of all else that a document holds."""
_RESTORE = "restore it from a backup or make it anew"
_MISFIT = (
    f"is damaged: its checksum does not fit; {_RESTORE}, or remove the line {CHECKSUM!r} "
    "if you changed it on purpose"
)


class Document(BaseModel):
    """Base of what is written to disk as JSON; a number that is not finite survives the round trip."""

    # Built when first used: a window that opens needs few of them at once.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    format_version: Literal[1] = 1


D = TypeVar("D", bound=BaseModel)


def document_bytes(document: BaseModel, *, indent: int | None = None) -> bytes:
    """Return the JSON of a document with a checksum of all of it under the key ``checksum``."""
    values = json.loads(document.model_dump_json())
    values[CHECKSUM] = checksum_of(values)
    separators = (",", ":") if indent is None else None
    return json.dumps(values, indent=indent, separators=separators, ensure_ascii=False).encode()


def write_document(path: Path, document: BaseModel) -> None:
    """Write a document as indented JSON with its checksum, wholly or not at all.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    atomic.write_bytes(path, document_bytes(document, indent=2) + b"\n")


def read_document(kind: type[D], path: Path, title: str, *, follow_links: bool = False) -> D:
    """Read a document that `write_document` wrote; `title` names it in errors, for example ``"project"``.

    Parameters
    ----------
    follow_links
        Whether the file may be a link, as where users keep files of their own.

    Raises
    ------
    DamagedFileError
        If it does not hold what was written, or is no file.
    InputError
        If the file is missing, may not be read, or is of a newer format.
    """
    try:
        text = read_regular(path, limit=MAX_DOCUMENT_BYTES, follow_links=follow_links)
    except FileNotFoundError:
        raise InputError(f"{title} {str(path)!r} is missing: check the path") from None
    except OSError as error:
        raise InputError(f"{title} {str(path)!r} cannot be read: {error.strerror or error}") from None
    except DamagedFileError as error:
        raise DamagedFileError(f"{title} {error}") from None
    return parse_document(kind, text, f"{title} {str(path)!r}")


def parse_document(kind: type[D], text: bytes, title: str) -> D:
    """Parse the JSON of a document; `title` names it in errors. One without a checksum is taken as it is.

    Raises
    ------
    DamagedFileError
        If it is too large, no JSON, not what its checksum says, or a value does not fit.
    InputError
        If it is of a newer format.
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise DamagedFileError(
            f"{title} is larger than {MAX_DOCUMENT_BYTES} bytes: it is no file of napari-graft"
        )
    try:
        values = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_no_number
        )
        stored = values.pop(CHECKSUM, None) if isinstance(values, dict) else None
        is_whole = stored is None or stored == checksum_of(values)
        is_newer = is_whole or stored != checksum_of(_of_this_version(values))
        plain = json.dumps(values)
    except (ValueError, RecursionError) as error:  # nested a thousand times, it is none of ours
        raise DamagedFileError(f"{title} is damaged: {error}; {_RESTORE}") from None
    try:
        document = kind.model_validate_json(plain)
    except ValidationError as error:
        if is_newer:
            _refuse_newer(error, title)
        raise DamagedFileError(f"{title} {_explain(error) if is_whole else _MISFIT}") from None
    if not is_whole:
        raise DamagedFileError(f"{title} {_MISFIT}")
    return document


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {repeated[:60]!r} is there twice")
    return values


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _of_this_version(values: object) -> object:
    """Return what would be stored had nothing but numbers of versions been damaged."""
    if isinstance(values, list):
        return [_of_this_version(value) for value in values]
    if not isinstance(values, dict):
        return values
    return {key: 1 if key == "format_version" else _of_this_version(value) for key, value in values.items()}


def _refuse_newer(error: ValidationError, title: str) -> None:
    for problem in error.errors(include_url=False, include_context=False):
        version = problem["input"]
        if problem["loc"][-1:] == ("format_version",) and isinstance(version, int) and version > 1:
            raise InputError(
                f"{title} was made by a newer napari-graft (format {version}): update napari-graft to open it"
            )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "the document"
    return f"cannot be used: {where}: {first['msg']}; correct the value or make it anew"


DAMAGED_SUFFIX = ".damaged"

_log = logging.getLogger(__name__)


class DamageLog:
    """Log of damaged files, which sets them aside where they may be written.

    Parameters
    ----------
    writable
        Whether files may be renamed; a reader leaves them where they are.
    """

    def __init__(self, *, writable: bool) -> None:
        self._writable = writable
        self._notes: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was told so far."""
        return tuple(self._notes)

    def tell(self, words: str) -> None:
        """Log a note for the user, once however often it is told."""
        if words not in self._notes:
            self._notes.append(words)
            _log.warning("%s%s", NOTE, words)

    def set_aside(self, error: DamagedFileError, *paths: Path) -> None:
        """Tell of an error, and rename the files that it is about; never over another file."""
        moved = [name for path in paths if self._writable and (name := _rename(path))]
        self.tell(f"{error} (set aside as {' and '.join(map(repr, moved))})" if moved else str(error))


def _rename(path: Path) -> str | None:
    """Rename a file, link or folder, and return its new name; None where it is not there or cannot be."""
    target = path.with_name(path.name + DAMAGED_SUFFIX)
    number = 1
    while os.path.lexists(target):
        number += 1
        target = path.with_name(f"{path.name}{DAMAGED_SUFFIX}-{number}")
    try:
        path.rename(target)
    except OSError:
        return None
    return target.name


MAX_LOG_BYTES = 2**28
_BLOCK = 65536


class DocumentLog(Generic[D]):
    """Log of documents as JSON lines, each with its checksum, safe against being killed.

    Parameters
    ----------
    kind
        Class of the documents.
    path
        The file; it need not exist yet.
    title
        What the file is called in errors, for example ``"journal"``.
    damage
        Told of damaged lines, which are then passed over; without it they are errors.
    """

    def __init__(self, kind: type[D], path: Path, title: str, damage: DamageLog | None = None) -> None:
        self._kind = kind
        self._path = path
        self._title = title
        self._damage = damage

    def append(self, document: D) -> None:
        """Add a document and wait until it is on the disk.

        Raises
        ------
        DamagedFileError
            If there is no file but something else, and nobody is told of damage.
        StorageError
            If it cannot be written, for example because the disk is full; the earlier ones stay.
        """
        line = document_bytes(document) + b"\n"
        with atomic.storage_errors(self._path), self._opened() as file:
            end, tail = _last_line(file)
            if _has_lost_its_end(tail):  # it stays, and is told of
                end, line = end + len(tail), b"\n" + line
            # What a killed writer left after the last whole line goes.
            atomic.append_at(file, end, line)

    def __iter__(self) -> Iterator[D]:
        """Yield the documents, the oldest first; a half-written last line is passed over.

        Raises
        ------
        DamagedFileError
            If a line is damaged, and nobody is told of damage.
        """
        try:
            file = BufferedReader(open_regular(self._path, limit=MAX_LOG_BYTES))
        except FileNotFoundError:
            return
        except DamagedFileError as error:
            self._tell(DamagedFileError(f"{self._title} {error}"))
            return
        with file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n") or _has_lost_its_end(line):
                    yield from self._parsed(line, number)

    def n_lines(self) -> int:
        """Return how many lines there are, damaged ones among them; 0 where there is no such file."""
        try:
            with BufferedReader(open_regular(self._path, limit=MAX_LOG_BYTES)) as file:
                return sum(line.endswith(b"\n") or _has_lost_its_end(line) for line in file)
        except (FileNotFoundError, DamagedFileError):
            return 0

    def _parsed(self, line: bytes, number: int) -> Iterator[D]:
        try:
            yield parse_document(self._kind, line, f"line {number} of {self._title} {str(self._path)!r}")
        except DamagedFileError as error:
            self._tell(error)

    def _tell(self, error: DamagedFileError) -> None:
        if self._damage is None:
            raise error
        self._damage.tell(f"{error}; it is passed over")

    def _opened(self) -> FileIO:
        """Open the file for writing, and make it where there is none."""
        try:
            return open_regular(self._path, limit=MAX_LOG_BYTES, write=True)
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            if self._damage is None:
                raise
            self._damage.set_aside(DamagedFileError(f"{self._title} {error}"), self._path)
        create_regular(self._path)
        atomic.sync_folder(self._path.parent)
        return open_regular(self._path, limit=MAX_LOG_BYTES, write=True)


def _last_line(file: FileIO) -> tuple[int, bytes]:
    """Return the position after the last line feed, and what follows it."""
    position, tail = file.seek(0, os.SEEK_END), b""
    while position > 0:
        start = max(position - _BLOCK, 0)
        file.seek(start)
        block = file.read(position - start)
        feed = block.rfind(b"\n")
        if feed >= 0:
            return start + feed + 1, block[feed + 1 :] + tail
        position, tail = start, block + tail
    return 0, tail


def _has_lost_its_end(line: bytes) -> bool:
    """Say whether a line holds a whole document and then a byte that is no line feed: nobody writes so."""
    try:
        return isinstance(json.loads(line[:-1]), dict)
    except (ValueError, RecursionError):
        return False
