"""The kinds of files that commands write, and how each is known: even --overwrite replaces no other kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_graft.io.marks import is_our_json, is_our_page, is_our_png, is_our_tiff

Recogniser = Callable[[Path], bool]
"""Says whether a file, or a folder, is an earlier result of ours."""

_HEAD_BYTES = 1024
_TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True, slots=True)
class FileKind:
    """Description of the files of one kind.

    Parameters
    ----------
    name
        What one is called, with its article.
    is_ours
        Says whether we wrote one.
    is_alike
        Says whether a file that we did not write is of the same kind at all.
    """

    name: str
    is_ours: Recogniser
    is_alike: Recogniser


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file, fewer where it is shorter."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _is_tiff(path: Path) -> bool:
    return head_of(path).startswith(_TIFF_HEADS)


def _is_png(path: Path) -> bool:
    return head_of(path).startswith(b"\x89PNG")


def _is_json(path: Path) -> bool:
    return head_of(path).lstrip().startswith((b"{", b"["))


def _is_page(path: Path) -> bool:
    head = head_of(path).lower()
    return b"<html" in head or b"<!doctype html" in head


def _is_weights(path: Path) -> bool:
    return head_of(path)[8:9] == b"{"


def is_text(path: Path) -> bool:
    """Say whether a file is text, as far as its first bytes tell."""
    return b"\0" not in head_of(path)


TIFF = FileKind("a TIFF file", is_our_tiff, _is_tiff)
PNG = FileKind("a PNG picture", is_our_png, _is_png)
JSON = FileKind("a JSON document", is_our_json, _is_json)
PAGE = FileKind("an HTML page", is_our_page, _is_page)

_ALIKE = {
    ".tif": ("a TIFF file", _is_tiff),
    ".png": ("a PNG picture", _is_png),
    ".json": ("a JSON document", _is_json),
    ".jsonl": ("a list of results", _is_json),
    ".html": ("an HTML page", _is_page),
    ".safetensors": ("a file of weights", _is_weights),
    ".yaml": ("a recipe", is_text),
}


def other_kind(path: Path) -> str:
    """Return what a file should be by its name and is not, an empty text where it is that or is empty."""
    name, is_alike = _ALIKE.get(path.suffix.lower(), ("", is_text))
    return name if name and path.stat().st_size and not is_alike(path) else ""
