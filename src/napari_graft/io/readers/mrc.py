"""MRC files of electron microscopy and tomography (https://www.ccpem.ac.uk/mrc_format/mrc2014.php)."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes import StatedSize, state_size
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.untrusted import foreign_errors
from napari_graft.io.volume import LazyArray

ORIGIN = "the header of the MRC file"
_IMAGE_STACK = 0
_IMOD_STAMP, _IMOD_SIGNED, _IMOD_AT = 1146047817, 1, 40
"""IMOD writes bytes without a sign, unless a flag after its stamp says otherwise."""
_LETTERS = {2: "yx", 3: "zyx", 4: "tzyx"}


def read_mrc(path: str) -> RawImage:
    """Map an image, a stack or a volume into memory, with the pixel size of its header.

    Raises
    ------
    InputError
        If the file is no MRC file, is cut short, or holds a type of pixel that is not known.
    """
    import mrcfile.utils

    with (
        foreign_errors(f"{path} cannot be read as MRC", "it is damaged or of another kind, make a new copy"),
        warnings.catch_warnings(),
    ):
        # of headers that older programs wrote; what matters is checked here
        warnings.simplefilter("ignore", category=RuntimeWarning)
        with mrcfile.open(path, permissive=True, header_only=True) as file:
            header = file.header.copy()
        dtype = _with_sign(mrcfile.utils.data_dtype_from_header(header), header)
        shape = tuple(int(n) for n in mrcfile.utils.data_shape_from_header(header))
        start = header.nbytes + int(header.nsymbt)
        n_bytes, wanted = (
            Path(path).stat().st_size,
            start + dtype.itemsize * int(np.prod(shape, dtype=object)),
        )
        if min(shape) < 1 or start < header.nbytes:
            raise InputError(f"{path} has an MRC header that says shape {shape}: make a new copy of it")
        if n_bytes < wanted:
            raise InputError(
                f"{path} is cut short, {n_bytes} bytes of at least {wanted}: make a new copy of it"
            )
        pixels = np.memmap(path, dtype, mode="r", offset=start, shape=shape)
        return RawImage(cast(LazyArray, pixels), _LETTERS[len(shape)], (_voxel_size(header),))


def _voxel_size(header: np.recarray[Any, Any]) -> StatedSize:
    """Return the cell over its intervals, in ångström; an image stack states nothing of z."""
    crystal = (int(header.mapc), int(header.mapr), int(header.maps))
    order = crystal if sorted(crystal) == [1, 2, 3] else (1, 2, 3)
    intervals = (int(header.mx), int(header.my), int(header.mz))
    cell = (float(header.cella.x), float(header.cella.y), float(header.cella.z))
    lengths: dict[str, tuple[object, object]] = {}
    for axis, number in zip("xyz", order, strict=True):
        is_stack_of_images = axis == "z" and int(header.ispg) == _IMAGE_STACK and int(header.mz) == 1
        if intervals[number - 1] > 0 and cell[number - 1] and not is_stack_of_images:
            lengths[axis] = (cell[number - 1] / intervals[number - 1], "angstrom")
    if {length for length, _ in lengths.values()} == {1.0}:
        return StatedSize(ORIGIN, doubt="says 1 Å, as programs write where nobody calibrated")
    return state_size(ORIGIN, lengths)


def _with_sign(dtype: np.dtype[Any], header: np.recarray[Any, Any]) -> np.dtype[Any]:
    """Return the type of a pixel, of bytes without a sign where IMOD wrote them."""
    if dtype != np.int8:
        return dtype
    order = _byte_order(header)
    stamp, flags = struct.unpack_from(f"{order}ii", header.extra2.tobytes(), _IMOD_AT)
    return np.dtype(np.uint8) if stamp == _IMOD_STAMP and not flags & _IMOD_SIGNED else dtype


def _byte_order(header: np.recarray[Any, Any]) -> str:
    """Return the mark of the order of bytes that the header was written in."""
    return ">" if header.nx.dtype.byteorder == ">" else "<"


READERS.register("MRC")(Reader((".mrc", ".mrcs", ".rec", ".map", ".st"), read_mrc))
