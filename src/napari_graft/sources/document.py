"""What all JSON files of napari-graft share: a format version, and errors that a person can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io import atomic
from napari_graft.io.regular import read_regular

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
