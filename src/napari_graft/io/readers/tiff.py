"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, read strip by strip or tile by tile."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from typing import cast
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_graft.io.foreign import foreign_errors
from napari_graft.io.layout import RawImage, collect_lengths
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.readers.tiff_extent import refuse_truncated
from napari_graft.io.volume import LazyArray

CENTIMETRES_PER_RESOLUTION_UNIT = {2: 2.54, 3: 1.0}
PRINT_PIXEL_CM = 1e-3
"""Resolution tags with pixels of 10 µm and more say how large to print (72 or 300 dpi), not what was seen."""
SMALL_PAGE_BYTES = 4 << 20


def read_tiff(path: str) -> RawImage:
    """Open the first image series of a TIFF file.

    The pixel size is that of the OME-XML, of ImageJ, or of the resolution tags where it is below 10 µm.

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
        image = RawImage(_lazy_pixels(tif, series, path), _letters(series), _pixel_size(tif, series))
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


def _pixel_size(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> dict[str, tuple[float, str]]:
    if tif.is_ome and tif.ome_metadata:
        return _ome_pixel_size(tif.ome_metadata)
    if tif.is_imagej and tif.imagej_metadata:
        return _imagej_pixel_size(tif, series)
    return _resolution(series.keyframe, CENTIMETRES_PER_RESOLUTION_UNIT)


def _ome_pixel_size(xml: str) -> dict[str, tuple[float, str]]:
    pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    if pixels is None:
        return {}
    return collect_lengths(
        {
            axis.lower(): (pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
            for axis in "ZYX"
        }
    )


def _imagej_pixel_size(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> dict[str, tuple[float, str]]:
    """Return ImageJ's calibration: pixels per unit in the resolution tags, slice distance in the text."""
    metadata = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").replace("\\u00b5", "µ")
    tags = series.keyframe.tags
    lengths: dict[str, tuple[object, object]] = {"z": (metadata.get("spacing"), unit)}
    for axis, name in (("x", "XResolution"), ("y", "YResolution")):
        if name in tags and tags[name].value[0]:
            count, length = tags[name].value
            lengths[axis] = (length / count, unit)
    return collect_lengths(lengths)


def _resolution(page: tifffile.TiffPage, units: dict[int, float]) -> dict[str, tuple[float, str]]:
    """Return the pixel size that the resolution tags state, nothing where they are about printing."""
    tags = page.tags
    unit = units.get(int(tags["ResolutionUnit"].value)) if "ResolutionUnit" in tags else None
    lengths: dict[str, tuple[object, object]] = {}
    for axis, name in (("x", "XResolution"), ("y", "YResolution")):
        if unit is not None and name in tags and tags[name].value[0]:
            count, length = tags[name].value
            size = unit * length / count
            if size < PRINT_PIXEL_CM:
                lengths[axis] = (size * 1e7, "nm")
    return collect_lengths(lengths)


READERS.register("TIFF")(Reader((".tif", ".tiff"), read_tiff))
