"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, read strip by strip or tile by tile."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import cast

import numpy as np
import tifffile

from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.pixel_sizes.tiff import tiff_sizes
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.readers.tiff_extent import refuse_truncated
from napari_graft.io.volume import LazyArray

SMALL_PAGE_BYTES = 4 << 20


def read_tiff(path: str) -> RawImage:
    """Open the first image series of a TIFF file.

    Raises
    ------
    InputError
        If the file is no TIFF file, is cut short, or is compressed in a way that is not known.
    """
    with (
        foreign_errors(f"{path} cannot be read as TIFF", "it is damaged or of another kind, make a new copy"),
        ExitStack() as closing,
    ):
        tif = closing.enter_context(tifffile.TiffFile(path))
        series = tif.series[0]
        refuse_truncated(tif, series, path)
        image = RawImage(_lazy_pixels(tif, series, path), _letters(series), tiff_sizes(tif, series))
        if not isinstance(image.data, np.memmap):
            closing.pop_all()
    return image


def _lazy_pixels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: str) -> LazyArray:
    """Return the pixels as a memory map, or as a zarr array over the compressed chunks."""
    import zarr

    if series.dataoffset is not None and series.keyframe.is_memmappable:
        return cast(LazyArray, tifffile.memmap(path, series=0, mode="r"))
    page = series.keyframe
    is_small = not page.is_tiled and page.nbytes <= SMALL_PAGE_BYTES
    store = series.aszarr(level=0, chunkmode="page" if is_small else None)
    # the file stays open for as long as someone may read from it
    weakref.finalize(store, tif.close)
    return cast(LazyArray, zarr.open_array(store, mode="r"))


def _letters(series: tifffile.TiffPageSeries) -> str | None:
    """Return the axes in our letters, None where tifffile only counts them."""
    letters = series.axes.lower().replace("s", "c")
    if "z" not in letters:
        letters = letters.replace("i", "z", 1) if "i" in letters else letters.replace("q", "z", 1)
    is_known = set(letters) <= set("tczyx") and len(set(letters)) == len(letters)
    return letters if is_known else None


READERS.register("TIFF")(Reader((".tif", ".tiff"), read_tiff))
