"""What all JSON files of napari-graft share: a format version, and errors that a person can act on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_graft.core.errors import InputError
from napari_graft.io import atomic

MAX_DOCUMENT_BYTES = 32 * 2**20


class Document(BaseModel):
    """Base of what is written to disk as JSON; a number that is not finite survives the round trip."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    format_version: Literal[1] = 1


D = TypeVar("D", bound=BaseModel)


def write_document(path: Path, document: BaseModel) -> None:
    """Write a document as indented JSON, wholly or not at all.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    atomic.write_text(path, document.model_dump_json(indent=2) + "\n")


def read_document(kind: type[D], path: Path, title: str) -> D:
    """Read a document that `write_document` wrote; `title` names it in errors, for example ``"project"``.

    Raises
    ------
    InputError
        If the file is missing, damaged, or of a newer format.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{title} {str(path)!r} is missing: check the path") from None
    except OSError as error:
        raise InputError(f"{title} {str(path)!r} cannot be read: {error.strerror or error}") from None
    return parse_document(kind, text, f"{title} {str(path)!r}")


def parse_document(kind: type[D], text: bytes, title: str) -> D:
    """Parse the JSON of a document; `title` names it in errors.

    Raises
    ------
    InputError
        If it is too large, no JSON, of a newer format, or a value does not fit.
    """
    if len(text) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{title} is larger than {MAX_DOCUMENT_BYTES} bytes: it is no file of napari-graft")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{title} {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    for problem in problems:
        version = problem["input"]
        if problem["loc"][-1:] == ("format_version",) and isinstance(version, int) and version > 1:
            return f"was made by a newer napari-graft (format {version}): update napari-graft to open it"
    first = problems[0]
    if first["type"] == "json_invalid":
        return f"is damaged: {first['msg']}; restore it from a backup or make it anew"
    where = ".".join(map(str, first["loc"])) or "the document"
    return f"cannot be used: {where}: {first['msg']}; correct the value or make it anew"
