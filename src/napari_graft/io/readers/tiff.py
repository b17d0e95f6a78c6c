"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, read strip by strip or tile by tile."""

from __future__ import annotations

import logging
import weakref
from contextlib import ExitStack
from typing import cast

import numpy as np
import tifffile

from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage
from napari_graft.io.location import split_location
from napari_graft.io.pixel_sizes.tiff import tiff_sizes
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.readers.tiff_axes import channel_names, foreign_axis, letters_of_series
from napari_graft.io.readers.tiff_colours import conversion_of, doubt_of, has_colours, is_lossy, no_data_value
from napari_graft.io.readers.tiff_extent import end_of_headers, refuse_truncated
from napari_graft.io.readers.tiff_series import choose_series
from napari_graft.io.volume import LazyArray

SMALL_PAGE_BYTES = 4 << 20

# what it has to say of damaged files is said by us, in words, or does not matter
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_tiff(path: str) -> RawImage:
    """Open an image of a TIFF file: the one that ``FILE::NAME`` or ``FILE::1`` chooses, else the largest.

    Raises
    ------
    InputError
        If the file is no TIFF file, is cut short, belongs to others that are missing, or is compressed in a
        way that is not known.
    """
    location, wanted = split_location(path)
    with (
        foreign_errors(
            f"{location} cannot be read as TIFF", "it is damaged or of another kind, make a new copy"
        ),
        ExitStack() as closing,
    ):
        tif = closing.enter_context(tifffile.TiffFile(location))
        headers_end = end_of_headers(tif, location)
        index, notes = choose_series(tif, wanted, location)
        series = tif.series[index]
        refuse_truncated(tif, series, headers_end, location)
        letters = letters_of_series(series)
        image = RawImage(
            _lazy_pixels(tif, index, location),
            letters,
            tiff_sizes(tif, series),
            channel_names(tif, index, series.shape[letters.find("c")]),
            has_colours=has_colours(series),
            conversion=conversion_of(tif, series.keyframe),
            doubt=foreign_axis(series) or doubt_of(tif, series, letters),
            notes=notes,
            is_lossy=is_lossy(series.keyframe),
            no_data=no_data_value(series.keyframe),
        )
        if not isinstance(image.data, np.memmap):
            closing.pop_all()
    return image


def _lazy_pixels(tif: tifffile.TiffFile, index: int, path: str) -> LazyArray:
    """Return the pixels as a memory map, or as a zarr array over the compressed chunks."""
    import zarr

    series = tif.series[index]
    if series.dataoffset is not None and series.keyframe.is_memmappable:
        return cast(LazyArray, tifffile.memmap(path, series=index, mode="r"))
    page = series.keyframe
    is_small = not page.is_tiled and page.nbytes <= SMALL_PAGE_BYTES
    store = series.aszarr(level=0, chunkmode="page" if is_small else None)
    # the file stays open for as long as someone may read from it
    weakref.finalize(store, tif.close)
    return cast(LazyArray, zarr.open_array(store, mode="r"))


READERS.register("TIFF")(Reader((".tif", ".tiff"), read_tiff, has_datasets=True))
