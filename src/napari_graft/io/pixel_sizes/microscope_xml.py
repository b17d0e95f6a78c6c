"""Pixel sizes in the XML that makers of electron and ion microscopes put into a tag of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.etree import ElementTree

import tifffile

from napari_graft.io.pixel_sizes.stated import as_number

_FIBICS, _ORION, _THERMO = 51023, 65000, 34683

Lengths = Mapping[str, tuple[object, object]]


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
