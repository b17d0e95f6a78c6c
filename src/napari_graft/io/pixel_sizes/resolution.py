"""Resolutions, of TIFF tags and pictures: how large to print, or how long a pixel of the specimen is.

Programs write 72 or 300 dots an inch into whatever they save, so only what no printer, screen or scanner
needs is taken for a pixel size.
"""

from __future__ import annotations

from collections.abc import Mapping

from napari_graft.io.pixel_sizes.stated import StatedSize, as_number, state_size

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
