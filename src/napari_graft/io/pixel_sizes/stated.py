"""What one place in a file says about the length of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_graft.core.axes import SPATIAL_NAMES, nanometres_per, short_unit
from napari_graft.core.errors import InputError

_NO_UNITS = ("", "none", "pixel", "pixels", "px", "reference frame", "referenceframe")
"""What is written in the place of a unit where nothing was calibrated."""

_READ_UNITS, _LEAST_READ, _FROM_MICROMETRES_NM = ("nm", "um", "mm"), 1e-3, 1e3
"""Units that people read, down to which number, and from where on it is µm where another unit is written."""

_LEAST_NM, _MOST_NM = 1e-6, 1e12
"""Beyond these a length is no length of anything, and what is reckoned with it may overflow."""


@dataclass(frozen=True, slots=True)
class StatedSize:
    """What one place in a file says.

    Parameters
    ----------
    origin
        The place in words, ``"the OME-XML of the TIFF"``.
    lengths
        Length of a pixel and its short unit, by axis letter.
    implied
        Axes whose length is not written but goes without saying, such as the 1 that ImageJ leaves out.
    doubt
        Why an axis is missing, or why nothing here is to be believed, in words that follow the origin.
    is_calibration
        Whether the place is made for calibrations; the resolution of a print is not.
    """

    origin: str
    lengths: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    implied: str = ""
    doubt: str = ""
    is_calibration: bool = True


@dataclass(frozen=True, slots=True)
class SizeNote:
    """Origin of a pixel size, and what is odd about it.

    Parameters
    ----------
    origin
        Where it is from, empty where it is unknown.
    doubt
        What looks odd about it; where it is unknown, what was found and why it is not believed.
    """

    origin: str = ""
    doubt: str = ""


NO_NOTE = SizeNote()


def state_size(
    origin: str,
    lengths: Mapping[str, tuple[object, object]],
    *,
    implied: str = "",
    is_calibration: bool = True,
) -> StatedSize:
    """Keep the lengths that are positive numbers in a unit of length, and say what is wrong with others.

    Parameters
    ----------
    lengths
        A length and its unit by axis letter, as they are in the file: numbers, text, anything.
    """
    real: dict[str, tuple[float, str]] = {}
    doubts = []
    for axis in (letter for letter in SPATIAL_NAMES if letter in lengths):
        size, unit = as_number(lengths[axis][0]), as_text(lengths[axis][1])
        if size is None:
            continue
        try:
            known_unit = short_unit(unit)
        except InputError:
            doubts.append(_doubt_of_unit(axis, size, unit))
            continue
        if _LEAST_NM < size * nanometres_per(known_unit) < _MOST_NM:
            real[axis] = _readable(size, known_unit)
        else:
            doubts.append(f"says {size:g} {known_unit} along {axis}, which no pixel is")
    return StatedSize(origin, real, implied, next(filter(None, doubts), ""), is_calibration)


def as_number(value: object) -> float | None:
    """Return a number or a text that is one, None for anything else.

    >>> as_number("0.3"), as_number(True), as_number("thin")
    (0.3, None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(as_text(value))
    except ValueError:
        return None


def as_text(value: object) -> str:
    """Return text, decoded where it is bytes, without the zeros that fill a field."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "" if value is None else text.split("\0", maxsplit=1)[0].strip()


def in_unit(size: float, unit: str, wanted: str) -> float:
    """Return a length in another unit, without what binary fractions add.

    >>> in_unit(4e-9, "m", "nm")
    4.0
    """
    return size if unit == wanted else float(f"{size * nanometres_per(unit) / nanometres_per(wanted):.12g}")


def _readable(size: float, unit: str) -> tuple[float, str]:
    """Return a length as it is, or in nm or µm where it stands in metres or the like."""
    if unit in _READ_UNITS and size >= _LEAST_READ:
        return size, unit
    read = "nm" if size * nanometres_per(unit) < _FROM_MICROMETRES_NM else "um"
    return in_unit(size, unit, read), read


def _doubt_of_unit(axis: str, size: float, unit: str) -> str:
    """Say that a unit is none, unless all is as in an image that nobody calibrated."""
    if unit.lower() in _NO_UNITS:
        return "" if unit or size in (0.0, 1.0) else f"says {axis} {size:g} without a unit"
    return f"gives lengths in {unit[:40]!r}, which is not known as a unit"
