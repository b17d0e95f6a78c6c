"""The calibration that ImageJ and Fiji write into a TIFF.

Pixels per unit are in the resolution tags, the distance of the slices and the units in the description; where
that distance is 1 it is left out, as is the unit of y or z where it is that of x (ij.io.FileSaver). The
distance is negative where the slices run downwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from napari_graft.io.pixel_sizes.stated import StatedSize, as_number, as_text, state_size

ORIGIN = "the ImageJ metadata of the TIFF"
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_SPACING = 1.0


def imagej_size(
    metadata: Mapping[str, object], pixels_per_unit: Mapping[str, float], *, is_stack: bool
) -> StatedSize:
    """Return the calibration.

    Parameters
    ----------
    metadata
        What stands in the description, by name.
    pixels_per_unit
        What the resolution tags say of x and y.
    is_stack
        Whether there are slices, which are `_SPACING` apart where nothing is said.
    """
    unit = _plain(metadata.get("unit"))
    units = {
        "x": unit,
        "y": _plain(metadata.get("yunit")) or unit,
        "z": _plain(metadata.get("zunit")) or unit,
    }
    sizes: dict[str, object] = {axis: 1 / count for axis, count in pixels_per_unit.items()}
    is_implied = is_stack and "spacing" not in metadata
    if is_implied:
        sizes["z"] = _SPACING
    elif (spacing := as_number(metadata.get("spacing"))) is not None:
        sizes["z"] = abs(spacing)
    return state_size(
        ORIGIN, {axis: (size, units[axis]) for axis, size in sizes.items()}, implied="z" if is_implied else ""
    )


def _plain(unit: object) -> str:
    r"""Return a unit with its escaped letters, such as the µ of ``\u00B5m``, as themselves."""
    return _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), as_text(unit) if unit else "")
