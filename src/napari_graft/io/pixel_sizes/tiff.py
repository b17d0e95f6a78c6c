"""All that a TIFF says about the length of a pixel, the surest place first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import tifffile

from napari_graft.io.foreign import words_of
from napari_graft.io.pixel_sizes import imagej, imagej_info, ome_xml
from napari_graft.io.pixel_sizes.microscope_xml import XML_TAGS
from napari_graft.io.pixel_sizes.microscopes import MICROSCOPES, Lengths
from napari_graft.io.pixel_sizes.resolution import (
    NANOMETRES_PER_CENTIMETRE,
    NANOMETRES_PER_INCH,
    resolution_size,
)
from napari_graft.io.pixel_sizes.stated import StatedSize, state_size

_SHAPED = "the description of the TIFF"
_UNIT_NM = {2: NANOMETRES_PER_INCH, 3: NANOMETRES_PER_CENTIMETRE}
_UNIT, _BY_AXIS = 296, {"x": 282, "y": 283}
"""Tags ResolutionUnit, XResolution and YResolution."""

Read = Callable[[tifffile.TiffFile, tifffile.TiffPageSeries], StatedSize]


def tiff_sizes(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> tuple[StatedSize, ...]:
    """Return what the OME-XML, ImageJ, the maker of the microscope and the resolution tags say of a series.

    A place that is damaged says that; what the image holds does not depend on it.
    """
    found = []
    for origin, read in _places():
        try:
            stated = read(tif, series)
        except Exception as error:  # tifffile raises whatever the damaged structure of a maker leads it to
            stated = StatedSize(origin, doubt=f"cannot be read ({words_of(error)})")
        if stated.lengths or stated.doubt:
            found.append(stated)
    return tuple(found)


def _places() -> Iterator[tuple[str, Read]]:
    yield ome_xml.ORIGIN, _ome_xml
    yield imagej.ORIGIN, _imagej
    yield _SHAPED, _shaped
    for origin, lengths in {**MICROSCOPES, **XML_TAGS}.items():
        yield origin, partial(_microscope, origin, lengths)
    yield "the resolution of the TIFF", _resolution
    yield imagej_info.ORIGIN, _imagej_info


def _ome_xml(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    if not (tif.is_ome and tif.ome_metadata):
        return StatedSize(ome_xml.ORIGIN)
    index = next((i for i, other in enumerate(tif.series) if other is series), 0)
    return ome_xml.ome_xml_size(tif.ome_metadata, index)


def _shaped(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    """Return what we write where an axis of one pixel keeps us from OME-XML, with the same words."""
    index = next((i for i, other in enumerate(tif.series) if other is series), 0)
    entries = tif.shaped_metadata or ()
    entry = entries[index] if index < len(entries) else {}
    sizes = {axis: entry.get(f"PhysicalSize{axis.upper()}") for axis in "zyx"}
    return state_size(
        _SHAPED,
        {
            axis: (size, entry.get(f"PhysicalSize{axis.upper()}Unit", "µm"))
            for axis, size in sizes.items()
            if size is not None
        },
    )


def _imagej(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    if not (tif.is_imagej and tif.imagej_metadata):
        return StatedSize(imagej.ORIGIN)
    is_stack = "Z" in series.axes or not set("TC") & set(series.axes)
    return imagej.imagej_size(tif.imagej_metadata, _pixels_per_unit(series.keyframe), is_stack=is_stack)


def _imagej_info(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    text = (tif.imagej_metadata or {}).get("Info") if tif.is_imagej else None
    if not isinstance(text, str):
        return StatedSize(imagej_info.ORIGIN)
    page = series.keyframe
    return imagej_info.info_size(text, {"x": page.imagewidth, "y": page.imagelength})


def _microscope(
    origin: str,
    lengths: Callable[[tifffile.TiffFile], Lengths],
    tif: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
) -> StatedSize:
    return state_size(origin, lengths(tif))


def _resolution(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    origin, page = "the resolution of the TIFF", series.keyframe
    if tif.is_imagej and (tif.imagej_metadata or {}).get("unit"):
        return StatedSize(origin)  # it counts pixels in that unit
    unit = page.tags.valueof(_UNIT)
    unit_nm = _UNIT_NM.get(int(unit)) if isinstance(unit, int) else None
    return resolution_size(origin, _pixels_per_unit(page), unit_nm)


def _pixels_per_unit(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the resolutions along x and y that are a positive number."""
    found = {}
    for axis, code in _BY_AXIS.items():
        value = page.tags.valueof(code)
        above, below = value if isinstance(value, tuple) and len(value) == 2 else (value, 1)
        try:
            count = float(above) / float(below)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            continue
        if 0 < count < float("inf"):
            found[axis] = count
    return found
