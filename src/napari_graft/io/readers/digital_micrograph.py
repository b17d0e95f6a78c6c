"""DM3 and DM4 files of Gatan's DigitalMicrograph, read whole by nionswift-io."""

from __future__ import annotations

import threading
from array import array
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes import state_size
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.untrusted import foreign_errors

LARGEST_BYTES = 2 << 30
"""Files are read whole, and twice their size of memory is taken meanwhile."""

_IN_FIJI = "open it in Fiji and save it as TIFF, which keeps the pixel size"
_REMEDY = f"make a new copy, or {_IN_FIJI}"
_Tags = dict[str, Any]
_DTYPES: dict[int, type[np.generic]] = {
    1: np.int16,
    2: np.float32,
    3: np.complex64,
    6: np.uint8,
    7: np.int32,
    9: np.int8,
    10: np.uint16,
    11: np.uint32,
    12: np.float64,
    13: np.complex128,
    14: np.bool_,
}
"""By the number under ``DataType``; the tag of the pixels themselves does not tell the sign of bytes."""

_CALIBRATIONS = ("Calibrations", "Dimension")
_TIMES, _ENERGIES = ("s", "ms", "min"), ("ev", "kev")
_parsing = threading.Lock()
"""The parser keeps the version of the file that it reads in a variable of its module."""


def read_digital_micrograph(path: str) -> RawImage:
    """Return the largest image that is no thumbnail, with the pixel size of its calibration.

    Raises
    ------
    InputError
        If the file is damaged, cut short or too large, or holds spectra or colours.
    """
    kind = Path(path).suffix[1:].upper()
    n_bytes = Path(path).stat().st_size
    if n_bytes > LARGEST_BYTES:
        raise InputError(
            f"{path} has {n_bytes / 2**30:.1f} GiB, and {kind} files are read whole, up to "
            f"{LARGEST_BYTES >> 30} GiB: {_IN_FIJI}"
        )
    with foreign_errors(f"{path} cannot be read as {kind}", f"it is damaged or of another kind, {_REMEDY}"):
        images = _images(_read_tags(path))
        if not images:
            raise InputError(f"{path} holds no image: {_REMEDY}")
        largest = max(images, key=_rank)
        raw = _raw_image(largest, path, f"the header of the {kind} file")
    if len(images) == 1:
        return raw
    return raw.with_note(
        f"of its {len(images)} images the largest is used; save another as a file of its own"
    )


def _read_tags(path: str) -> _Tags:
    from nionswift_plugin.DM_IO import parse_dm3

    with open(path, "rb") as file, _parsing:
        return cast(_Tags, parse_dm3.dm_read_header(_Whole(file, path)))


class _Whole:
    """File that is read no further than it goes: a damaged tag may say any length."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file, self._path = file, path
        self._n_bytes = Path(path).stat().st_size

    def read(self, n: int) -> bytes:
        if n > self._n_bytes - self._file.tell():
            raise InputError(f"{self._path} is cut short or damaged: {_REMEDY}")
        return self._file.read(n)

    def tell(self) -> int:
        return self._file.tell()


def _images(tags: _Tags) -> list[_Tags]:
    """Return the images in the order of the file, without thumbnails."""
    thumbnails = [one["ImageIndex"] for one in _found(tags, list, "Thumbnails")]
    images = _found(tags, list, "ImageList")
    return [one for i, one in enumerate(images) if i not in thumbnails and _found(one, dict, "ImageData")]


def _rank(image: _Tags) -> tuple[bool, int]:
    """Return what is greater for grey images, of which a coloured one is a picture, then for larger ones."""
    return image["ImageData"]["DataType"] in _DTYPES, prod(image["ImageData"]["Dimensions"])


def _raw_image(image: _Tags, path: str, origin: str) -> RawImage:
    content = image["ImageData"]
    shape = tuple(int(n) for n in reversed(content["Dimensions"]))
    number = content["DataType"]
    if number not in _DTYPES:
        raise InputError(f"{path} has pixels of DigitalMicrograph's type {number}, not grey ones: {_IN_FIJI}")
    dtype = np.dtype(_DTYPES[number])
    stored = content["Data"]
    pixels = np.frombuffer(stored if isinstance(stored, array) else stored.raw_data, np.uint8)
    if min(shape, default=0) < 1 or pixels.nbytes != dtype.itemsize * prod(shape):
        raise InputError(
            f"{path} says shape {shape} of {dtype}, but holds {pixels.nbytes} bytes of it: {_REMEDY}"
        )
    sizes = [(one.get("Scale"), _text(one.get("Units"))) for one in _found(content, list, *_CALIBRATIONS)]
    axes = _axes(len(shape), image, [unit for _, unit in sizes], path)
    lengths = {
        axis: (_rounded(size), unit) for axis, (size, unit) in zip(reversed(axes), sizes, strict=False)
    }
    return RawImage(pixels.view(dtype).reshape(shape), axes, (state_size(origin, lengths),))


def _axes(n_axes: int, image: _Tags, units: list[str], path: str) -> str:
    """Return the letters of the axes; units are those of x, y and what comes then."""
    kind = _text(_found(image, dict, "ImageTags", "Meta Data").get("Format")).lower()
    if "spectrum" in kind or any(unit.lower() in _ENERGIES for unit in units):
        raise InputError(f"{path} holds spectra, not images: save the image that belongs to them")
    if n_axes not in (2, 3):
        raise InputError(f"{path} has {n_axes} axes, and images have two or three: {_IN_FIJI}")
    is_over_time = len(units) > 2 and units[2] in _TIMES
    return "yx" if n_axes == 2 else "tyx" if is_over_time else "zyx"


def _found(tags: object, kind: type[Any], *names: str) -> Any:
    """Return what is filed under names, one in the other; an empty one of its kind where it is missing."""
    for name in names:
        tags = tags.get(name) if isinstance(tags, dict) else None
    return tags if isinstance(tags, kind) else kind()


def _text(value: object) -> str:
    """Return a text, which is an array of UTF-16 numbers."""
    return value.tobytes().decode("utf-16", "replace") if isinstance(value, array) else ""


def _rounded(size: object) -> object:
    """Return a length with the seven digits that it is kept with, in single precision."""
    return float(f"{size:.7g}") if isinstance(size, float) else size


READERS.register("DigitalMicrograph")(Reader((".dm3", ".dm4"), read_digital_micrograph))
