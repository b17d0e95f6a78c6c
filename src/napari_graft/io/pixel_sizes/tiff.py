"""All that a TIFF says about the length of a pixel, the surest place first: OME-XML, maker, resolution.

Programs write 72 or 300 dots an inch into whatever they save, so only a resolution that no printer, screen or
scanner needs is taken for a pixel size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from xml.etree import ElementTree

import tifffile

from napari_graft.io.pixel_sizes import imagej
from napari_graft.io.pixel_sizes.microscopes import MICROSCOPES, XML_TAGS, Lengths
from napari_graft.io.pixel_sizes.stated import StatedSize, as_number, state_size
from napari_graft.io.untrusted import words_of

NANOMETRES_PER_CENTIMETRE, NANOMETRES_PER_INCH = 1e7, 2.54e7
PRINT_PIXEL_NM = 1e4
"""Pixels of 10 µm and more, 2540 dots an inch and fewer, are for printing."""
_FINE_PRINTS = (2880, 3000, 3200, 3600, 4000, 4800, 5000, 5400, 5760, 6000, 6400, 7200, 8000, 9600, 19200)
"""Dots an inch of fine printers and scanners."""
_ROUNDING = 0.005


def resolution_size(origin: str, pixels_per_unit: Mapping[str, float], unit_nm: float | None) -> StatedSize:
    """Return the pixel size that a resolution means, with a doubt where it is about printing.

    Parameters
    ----------
    origin
        The place in words.
    pixels_per_unit
        Pixels along x and y in a unit.
    unit_nm
        Length of that unit in nanometres, None where it is none.
    """
    if unit_nm is None:
        return StatedSize(origin)
    per_inch = {axis: count * NANOMETRES_PER_INCH / unit_nm for axis, count in pixels_per_unit.items()}
    if any(_is_for_printing(dots) for dots in per_inch.values()):
        if set(pixels_per_unit.values()) == {1.0}:  # nobody meant anything by it
            return StatedSize(origin)
        dots = " × ".join(f"{dots:.4g}" for dots in dict.fromkeys(per_inch.values()))
        return StatedSize(origin, doubt=f"says {dots} dots per inch, which is about printing")
    return state_size(
        origin,
        {axis: (unit_nm / count, "nm") for axis, count in pixels_per_unit.items()},
        is_calibration=False,
    )


def picture_size(dots_per_inch: object) -> StatedSize:
    """Return what a picture says by its resolution along x and y, such as the pHYs of a PNG."""
    dots = dots_per_inch if isinstance(dots_per_inch, tuple) and len(dots_per_inch) == 2 else ()
    counts = {axis: as_number(count) for axis, count in zip("xy", dots, strict=False)}
    real = {axis: count for axis, count in counts.items() if count and 0 < count < float("inf")}
    return resolution_size("the resolution of the picture", real, NANOMETRES_PER_INCH)


def _is_for_printing(dots_per_inch: float) -> bool:
    return NANOMETRES_PER_INCH / dots_per_inch >= PRINT_PIXEL_NM or any(
        abs(dots_per_inch / usual - 1) < _ROUNDING for usual in _FINE_PRINTS
    )


OME_XML_ORIGIN = "the OME-XML of the TIFF"
_USUAL_UNIT = "µm"


def ome_xml_size(xml: str, index: int = 0) -> StatedSize:
    """Return the pixel size of one of the images that are described, µm where no unit is given."""
    try:
        images = ElementTree.fromstring(xml).findall(".//{*}Pixels")
    except ElementTree.ParseError as error:
        return StatedSize(OME_XML_ORIGIN, doubt=f"is damaged ({error})")
    if not images:
        return StatedSize(OME_XML_ORIGIN)
    pixels = images[index] if index < len(images) else images[0]
    return state_size(
        OME_XML_ORIGIN,
        {
            axis.lower(): (
                pixels.get(f"PhysicalSize{axis}"),
                pixels.get(f"PhysicalSize{axis}Unit", _USUAL_UNIT),
            )
            for axis in "ZYX"
        },
    )


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
    yield OME_XML_ORIGIN, _ome_xml
    yield imagej.ORIGIN, _imagej
    yield _SHAPED, _shaped
    for origin, lengths in {**MICROSCOPES, **XML_TAGS}.items():
        yield origin, partial(_microscope, origin, lengths)
    yield "the resolution of the TIFF", _resolution
    yield imagej.INFO_ORIGIN, _imagej_info


def _ome_xml(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> StatedSize:
    if not (tif.is_ome and tif.ome_metadata):
        return StatedSize(OME_XML_ORIGIN)
    index = next((i for i, other in enumerate(tif.series) if other is series), 0)
    return ome_xml_size(tif.ome_metadata, index)


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
        return StatedSize(imagej.INFO_ORIGIN)
    page = series.keyframe
    return imagej.info_size(text, {"x": page.imagewidth, "y": page.imagelength})


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
