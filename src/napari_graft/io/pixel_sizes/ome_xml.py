"""The pixel size in the OME-XML of an OME-TIFF (https://docs.openmicroscopy.org/ome-model)."""

from __future__ import annotations

from xml.etree import ElementTree

from napari_graft.io.pixel_sizes.stated import StatedSize, state_size

ORIGIN = "the OME-XML of the TIFF"
_USUAL_UNIT = "µm"


def ome_xml_size(xml: str, index: int = 0) -> StatedSize:
    """Return the pixel size of one of the images that are described, µm where no unit is given."""
    try:
        images = ElementTree.fromstring(xml).findall(".//{*}Pixels")
    except ElementTree.ParseError as error:
        return StatedSize(ORIGIN, doubt=f"is damaged ({error})")
    if not images:
        return StatedSize(ORIGIN)
    pixels = images[index] if index < len(images) else images[0]
    return state_size(
        ORIGIN,
        {
            axis.lower(): (
                pixels.get(f"PhysicalSize{axis}"),
                pixels.get(f"PhysicalSize{axis}Unit", _USUAL_UNIT),
            )
            for axis in "ZYX"
        },
    )
