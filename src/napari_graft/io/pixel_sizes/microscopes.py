"""Pixel sizes in the tags, and in the XML in tags, that makers of microscopes and cameras add to TIFF."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_graft.io.pixel_sizes.stated import as_number, as_text

_TESCAN, _GATAN_UNITS, _GATAN_SCALES = 50431, 65003, 65009
_TESCAN_SIZE = re.compile(rb"PixelSize([XY])\s*=\s*([-+.\deE]+)")
_ZEISS_PIXEL_SIZE = 3
"""Place of the pixel size in metres among the numbers without a name, as Gwyddion found."""

Lengths = Mapping[str, tuple[object, object]]


def _fei(tif: tifffile.TiffFile) -> Lengths:
    """FEI and Thermo Fisher SEM and FIB, in metres: of the scan, or whichever part states it."""
    parts = [part for part in _fields(tif.fei_metadata).values() if isinstance(part, Mapping)]
    scan = _fields(_fields(tif.fei_metadata).get("Scan"))
    for part in (scan, *parts):
        if as_number(part.get("PixelWidth")) and as_number(part.get("PixelHeight")):
            return {"x": (part["PixelWidth"], "m"), "y": (part["PixelHeight"], "m")}
    return {}


def _zeiss(tif: tifffile.TiffFile) -> Lengths:
    """Zeiss SEM: of the image as stored, else of the scan, else a number without a name, in metres."""
    known = _fields(tif.sem_metadata)
    for name in ("ap_image_pixel_size", "ap_pixel_size"):
        entry = known.get(name)
        if isinstance(entry, tuple) and len(entry) == 3:
            return {"x": entry[1:], "y": entry[1:]}
    unnamed = known.get("")
    if isinstance(unnamed, tuple) and len(unnamed) > _ZEISS_PIXEL_SIZE:
        return {"x": (unnamed[_ZEISS_PIXEL_SIZE], "m"), "y": (unnamed[_ZEISS_PIXEL_SIZE], "m")}
    return {}


def _zeiss_lsm(tif: tifffile.TiffFile) -> Lengths:
    """Zeiss LSM, in metres."""
    known = _fields(tif.lsm_metadata)
    return {axis: (known.get(f"VoxelSize{axis.upper()}"), "m") for axis in "zyx"}


def _metamorph_stack(tif: tifffile.TiffFile) -> Lengths:
    """MetaMorph STK; the distances of the slices are in micrometres."""
    known = _fields(tif.stk_metadata)
    unit = known.get("CalibrationUnits")
    distances = np.ravel(np.asarray(known.get("ZDistance", ())))
    return {
        "x": (known.get("XCalibration"), unit),
        "y": (known.get("YCalibration"), unit),
        "z": (abs(float(distances[0])) if len(distances) else None, "um"),
    }


def _metaseries(tif: tifffile.TiffFile) -> Lengths:
    """MetaMorph and MetaXpress, in the XML of a plane."""
    plane = _fields(_fields(tif.metaseries_metadata).get("PlaneInfo"))
    unit = plane.get("spatial-calibration-units")
    return {axis: (plane.get(f"spatial-calibration-{axis}"), unit) for axis in "yx"}


def _olympus_sis(tif: tifffile.TiffFile) -> Lengths:
    """Olympus SIS, in metres."""
    known = _fields(tif.sis_metadata)
    return {axis: (known.get(f"pixelsize{axis}"), "m") for axis in "yx"}


def _fluoview(tif: tifffile.TiffFile) -> Lengths:
    """Olympus FluoView: name, size, origin, length and unit of each axis."""
    axes = _fields(tif.fluoview_metadata).get("Dimensions", ())
    entries = axes if isinstance(axes, Sequence) else ()
    return {str(entry[0]).lower(): (entry[3], entry[4]) for entry in entries if len(entry) == 5}


def _tvips(tif: tifffile.TiffFile) -> Lengths:
    """TVIPS cameras, in nanometres."""
    known = _fields(tif.tvips_metadata)
    return {axis: (known.get(f"PixelSize{axis.upper()}"), "nm") for axis in "yx"}


def _micro_manager(tif: tifffile.TiffFile) -> Lengths:
    """Micro-Manager, in micrometres: of the plane, else of the whole acquisition."""
    summary = _fields(_fields(tif.micromanager_metadata).get("Summary"))
    plane = _fields(tif.pages.first.tags.valueof(51123))
    size = as_number(plane.get("PixelSizeUm")) or as_number(summary.get("PixelSize_um")) or None
    depth = as_number(summary.get("z-step_um"))
    return {"x": (size, "um"), "y": (size, "um"), "z": (abs(depth) if depth else None, "um")}


def _nih_image(tif: tifffile.TiffFile) -> Lengths:
    """NIH Image and Scion Image: pixels per unit."""
    known = _fields(tif.nih_metadata)
    scale, unit = as_number(known.get("XScale")), as_text(known.get("XUnit"))
    ratio = as_number(known.get("PixelAspectRatio")) or 1.0
    if not scale:
        return {}
    return {
        "x": (1 / scale, unit),
        "y": (ratio / scale, unit),
        "z": (known.get("SliceSpacing") or None, unit),
    }


def _aperio(tif: tifffile.TiffFile) -> Lengths:
    """Aperio slide scanners: micrometres per pixel."""
    description = tif.pages.first.description
    if not description.startswith("Aperio "):
        return {}
    found = re.search(r"\bMPP\s*=\s*([-+.\deE]+)", description)
    return dict.fromkeys("yx", (found[1], "um")) if found else {}


def _tescan(tif: tifffile.TiffFile) -> Lengths:
    """Tescan SEM, in metres, as text inside a tag."""
    value = tif.pages.first.tags.valueof(_TESCAN)
    text = value if isinstance(value, bytes) else str(value or "").encode()
    return {axis.decode().lower(): (size, "m") for axis, size in _TESCAN_SIZE.findall(text)}


def _gatan(tif: tifffile.TiffFile) -> Lengths:
    """TIFF that Gatan DigitalMicrograph exports: units and scales of x, y, z."""
    tags = tif.pages.first.tags
    return {
        axis: (tags.valueof(_GATAN_SCALES + i), tags.valueof(_GATAN_UNITS + i))
        for i, axis in enumerate("xyz")
        if _GATAN_UNITS + i in tags
    }


MICROSCOPES: Mapping[str, Callable[[tifffile.TiffFile], Lengths]] = {
    "the FEI metadata of the TIFF": _fei,
    "the Zeiss SEM metadata of the TIFF": _zeiss,
    "the Zeiss LSM metadata of the TIFF": _zeiss_lsm,
    "the MetaMorph metadata of the TIFF": _metamorph_stack,
    "the MetaSeries metadata of the TIFF": _metaseries,
    "the Olympus SIS metadata of the TIFF": _olympus_sis,
    "the FluoView metadata of the TIFF": _fluoview,
    "the TVIPS metadata of the TIFF": _tvips,
    "the Micro-Manager metadata of the TIFF": _micro_manager,
    "the NIH Image metadata of the TIFF": _nih_image,
    "the Aperio metadata of the TIFF": _aperio,
    "the Tescan metadata of the TIFF": _tescan,
    "the Gatan tags of the TIFF": _gatan,
}
"""What reads the lengths along the axes, by the words that say where they are from."""


def _fields(metadata: object) -> Mapping[str, object]:
    """Return named values, none where a file has something else in their place."""
    return metadata if isinstance(metadata, Mapping) else {}


_FIBICS, _ORION, _THERMO = 51023, 65000, 34683


def fibics(tif: tifffile.TiffFile) -> Lengths:
    """Fibics (ATLAS and NPVE): the field of view in micrometres over the pixels along it."""
    root = _xml(tif, _FIBICS)
    lengths = {}
    for axis, view, count in (("x", "FOV_X", "Width"), ("y", "FOV_Y", "Height")):
        width, n = _number(root, f"Scan/{view}"), _number(root, f"Image/{count}")
        if width and n:
            lengths[axis] = (width / n, "um")
    return lengths


def orion(tif: tifffile.TiffFile) -> Lengths:
    """Zeiss Orion, in metres."""
    root = _xml(tif, _ORION)
    return {axis: (_number(root, f"Scaling{axis.upper()}/Value"), "m") for axis in "yx"}


def thermo(tif: tifffile.TiffFile) -> Lengths:
    """Thermo Fisher and FEI, as XML instead of sections of text, in metres unless another unit is said."""
    root = _xml(tif, _THERMO)
    entries = {axis: root.find(f".//{{*}}PixelSize/{{*}}{axis.upper()}") for axis in "yx"}
    return {axis: (one.text, one.get("unit", "m")) for axis, one in entries.items() if one is not None}


XML_TAGS: Mapping[str, Callable[[tifffile.TiffFile], Lengths]] = {
    "the Fibics metadata of the TIFF": fibics,
    "the Zeiss Orion metadata of the TIFF": orion,
    "the Thermo Fisher metadata of the TIFF": thermo,
}
"""What reads the lengths along the axes, by the words that say where they are from."""


def _xml(tif: tifffile.TiffFile, code: int) -> ElementTree.Element:
    """Return what stands in a tag, an element without parts where that is no XML."""
    value = tif.pages.first.tags.valueof(code)
    text = value if isinstance(value, bytes) else str(value or "").encode("utf-8", "replace")
    text = text.strip(b"\0 \r\n\t")
    if not text.startswith(b"<"):
        return ElementTree.Element("none")
    if text.startswith(b"<?xml"):  # tifffile has decoded it, so what it says of its letters is past
        text = text.partition(b"?>")[2] if not isinstance(value, bytes) else text
    return ElementTree.fromstring(text)


def _number(root: ElementTree.Element, path: str) -> float | None:
    found = root.find(path)
    return None if found is None else as_number(found.text)
