"""Kinds of files that commands write, and the mark by which our results are told from the files of others."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

NAME = "napari-graft"
MADE_BY = "made_by"
"""Key of JSON documents, of attributes of zarr groups, and of the words in safetensors files."""

_HEAD_BYTES = 4096
_FIRST_LINE_BYTES = 2**20
_PNG = b"\x89PNG\r\n\x1a\n"
_ZARR_GROUP = "zarr.json"
_LABELS = "labels/objects"
_ZARR_FILES = re.compile(
    rf"zarr\.json|({_LABELS}/)?(?P<level>\d{{1,2}})(/zarr\.json|/c(/\d+)*)?|{_LABELS}(/zarr\.json)?"
    r"|labels(/zarr\.json)?"
)
"""All that a result of ours consists of: arrays of levels, and perhaps objects beside them as labels."""


def marked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON document with our mark."""
    return {MADE_BY: NAME, **document}


def program_name() -> str:
    """Return our name and version, the mark of pictures, pages and TIFF files."""
    try:
        return f"{NAME} {version(NAME)}"
    except PackageNotFoundError:  # run from a checkout that was not installed
        return NAME


def is_our_tiff(path: Path) -> bool:
    """Say whether we wrote a TIFF file: programs that change one put their own name in."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            return _is_ours(tif.pages.first.software)
    except Exception:  # foreign bytes: tifffile fails on them in many ways, and they are not ours then
        return False


def is_our_zarr(path: Path) -> bool:
    """Say whether we wrote an OME-Zarr, and nobody has added to it or painted in it since.

    The attributes of the group are the last that is written, so whatever is newer was changed by another.
    """
    try:
        if not looks_like_our_zarr(path) or _attributes(path).get(MADE_BY) != NAME:
            return False
        finished = (path / _ZARR_GROUP).stat().st_mtime_ns
        return all(one.stat().st_mtime_ns <= finished for one in path.rglob("*") if one.is_file())
    except (OSError, ValueError):
        return False


def looks_like_our_zarr(path: Path) -> bool:
    """Say whether a folder holds what results of ours consist of, and nothing else; it may lack the mark."""
    try:
        if "ome" not in _attributes(path):
            return False
        levels = {group: _named_levels(path / group) for group in ("", f"{_LABELS}/")}
        return all(_is_known(one, path, levels) for one in path.rglob("*"))
    except (OSError, ValueError):
        return False


def is_our_png(path: Path) -> bool:
    """Say whether we drew a picture."""
    head = _head(path)
    return head.startswith(_PNG) and b"tEXtSoftware\x00" + NAME.encode() in head


def is_our_page(path: Path) -> bool:
    """Say whether we wrote an HTML page."""
    return f'name="generator" content="{NAME}'.encode() in _head(path)


def is_our_json(path: Path) -> bool:
    """Say whether we wrote a JSON document; one that is damaged is not known again."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get(MADE_BY) == NAME


def is_our_log(path: Path) -> bool:
    """Say whether results are in a file, one a line; what follows the last whole line would be cut off."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(_FIRST_LINE_BYTES)
    return not first or (first.startswith(b'{"format_version":') and b"\n" in first)


def png_with_mark(picture: bytes) -> bytes:
    """Return a PNG picture with our name in it, in place of that of the library that drew it."""
    if not picture.startswith(_PNG) or b"tEXtSoftware\x00" + NAME.encode() in picture[:_HEAD_BYTES]:
        return picture
    end_of_header = len(_PNG) + 25  # length, name, 13 bytes and checksum of the first chunk, IHDR
    text = b"tEXtSoftware\x00" + program_name().encode("latin-1", "replace")
    chunk = (len(text) - 4).to_bytes(4, "big") + text + zlib.crc32(text).to_bytes(4, "big")
    return picture[:end_of_header] + chunk + picture[end_of_header:]


def _is_ours(name: str) -> bool:
    return name == NAME or name.startswith(f"{NAME} ")


def _attributes(path: Path) -> Mapping[str, object]:
    group = json.loads((path / _ZARR_GROUP).read_bytes())
    attributes = group.get("attributes") if isinstance(group, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _named_levels(group: Path) -> set[str]:
    """Return the arrays that a group names as its levels, and the first one in any case."""
    if not (group / _ZARR_GROUP).is_file():
        return {"0"}
    ome = _attributes(group).get("ome")
    images = ome.get("multiscales") if isinstance(ome, dict) else None
    datasets = images[0].get("datasets", ()) if isinstance(images, list) and images else ()
    return {"0", *(str(one.get("path")) for one in datasets)}


def _is_known(one: Path, folder: Path, levels: Mapping[str, set[str]]) -> bool:
    if one.is_symlink():
        return False
    found = _ZARR_FILES.fullmatch(one.relative_to(folder).as_posix())
    if found is None:
        return False
    return found["level"] is None or found["level"] in levels[found[1] or ""]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


Recogniser = Callable[[Path], bool]
"""Says whether a file, or a folder, is an earlier result of ours."""

_LARGEST_HEAD = 1024
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
        return file.read(_LARGEST_HEAD)


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
