"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks, read strip by strip or tile by tile."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree

import tifffile

from napari_graft.core.errors import InputError
from napari_graft.io.layout import RawImage, collect_lengths
from napari_graft.io.readers.registry import READERS, Reader
from napari_graft.io.volume import LazyArray

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    try:
        tif = tifffile.TiffFile(path)
        series = tif.series[0]
        _refuse_truncated(tif, series, path)
        return RawImage(_lazy_pixels(tif, series, path), _letters(series), _pixel_size(tif, series))
    except InputError:
        raise
    except (OSError, ValueError, LookupError, struct.error) as error:
        raise InputError(
            f"{path} cannot be read as TIFF: {error}: it is damaged or of another kind, make a new copy"
        ) from error


def _lazy_pixels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: str) -> LazyArray:
    """Return the pixels as a memory map, or as a zarr array over the compressed chunks."""
    import zarr

    if series.dataoffset is not None and series.keyframe.is_memmappable:
        return cast(LazyArray, tifffile.memmap(path, series=0, mode="r"))
    page = series.keyframe
    is_small = not page.is_tiled and page.nbytes <= SMALL_PAGE_BYTES
    store = series.aszarr(level=0, chunkmode="page" if is_small else None)
    return cast(LazyArray, zarr.open_array(store, mode="r"))


def _letters(series: tifffile.TiffPageSeries) -> str | None:
    """Return the axes in our letters, None where tifffile only counts them."""
    letters = series.axes.lower().replace("s", "c")
    if "z" not in letters:
        letters = letters.replace("i", "z", 1) if "i" in letters else letters.replace("q", "z", 1)
    is_known = set(letters) <= set("tczyx") and len(set(letters)) == len(letters)
    return letters if is_known else None


def _refuse_truncated(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: str) -> None:
    """Raise unless all pages and their pixels lie inside the file; tifffile would drop those that do not."""
    size = tif.filehandle.size
    ends = list(_chain_offsets(tif))
    for index in (0, len(tif.pages) - 1):
        page = tif.pages[index]
        ends += [start + n for start, n in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    if max(ends) > size:
        raise InputError(
            f"{path} is cut short: it has {size} bytes of at least {max(ends)}: make a new copy of it"
        )


def _chain_offsets(tif: tifffile.TiffFile) -> Iterator[int]:
    """Yield the ends of the page headers and the offsets at which the next ones should start."""
    layout, handle = tif.tiff, tif.filehandle
    seen = set()
    offset = tif.pages.first.offset
    while offset and offset not in seen:
        seen.add(offset)
        yield offset + layout.tagnosize
        handle.seek(offset)
        head = handle.read(layout.tagnosize)
        if len(head) < layout.tagnosize:
            return
        after_tags = offset + layout.tagnosize + struct.unpack(layout.tagnoformat, head)[0] * layout.tagsize
        yield after_tags + layout.offsetsize
        handle.seek(after_tags)
        link = handle.read(layout.offsetsize)
        if len(link) < layout.offsetsize:
            return
        offset = struct.unpack(layout.offsetformat, link)[0]


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
