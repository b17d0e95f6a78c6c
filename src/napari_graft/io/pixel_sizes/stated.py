"""Pixel sizes that the places of a file state, which of them is believed, and how they are put in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from napari_graft.core.axes import SPATIAL_NAMES, Axes, nanometres_per, short_unit
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


def size_words(sizes: Sequence[float], unit: str) -> str:
    """Return the length of a pixel along each axis in words.

    >>> size_words((40.0, 4.0, 4.0), "nm")
    '40 × 4 × 4 nm'
    """
    return f"{' × '.join(f'{size:.4g}' for size in sizes)} {unit}"


def lengths_words(lengths: Mapping[str, tuple[float, str]]) -> str:
    """Return lengths by axis in words.

    >>> lengths_words({"x": (4.0, "nm"), "z": (0.04, "um")})
    'z 0.04 um, x 4 nm'
    """
    return ", ".join(f"{axis} {lengths[axis][0]:.4g} {lengths[axis][1]}" for axis in "zyx" if axis in lengths)


FINEST_NM, COARSEST_NM = 0.05, 1e5
"""Pixels in the plane of half an ångström, as of single particles, to 100 µm, as of whole animals."""
_ROUNDING = 1e-6
_DEEPEST, _FLATTEST = 100.0, 0.1
"""Usual ratios of the distance between slices to the width of a pixel."""
_LEAST_SQUARE = 2.0
"""Usual ratio of the longer to the shorter side of a pixel, at most."""


def judge_sizes(names: Sequence[str], stated: Iterable[StatedSize]) -> tuple[Axes, SizeNote]:
    """Take the first pixel size that has a plausible length for each axis.

    A length that cannot be that of a pixel, or one that is only implied and odd, is not believed. One that is
    written with its unit and merely odd, such as slices 400 pixels apart, is taken, and what is odd is told.

    Parameters
    ----------
    names
        The spatial axes of the image.
    stated
        What the places of the file say, the surest first.

    Returns
    -------
    axes, note
        The pixel size in the unit of x, or none; where it is from, or why none is believed.
    """
    doubts = []
    for one in stated:
        if not one.lengths and not one.doubt:
            continue
        doubt = _reason_against(one, names)
        if not doubt:
            return _axes(one, names), SizeNote(one.origin, _oddity(one, names))
        doubts.append(f"{one.origin} {doubt}")
    return Axes(tuple(names)), SizeNote(doubt="; ".join(doubts))


def _axes(stated: StatedSize, names: Sequence[str]) -> Axes:
    """Return the sizes in the unit of x."""
    unit = stated.lengths["x"][1]
    return Axes(tuple(names), tuple(in_unit(*stated.lengths[name], unit) for name in names), unit)


def _reason_against(stated: StatedSize, names: Sequence[str]) -> str:
    """Return why a statement is not taken, in words that follow its origin; empty where it is."""
    found = {name: stated.lengths[name] for name in names if name in stated.lengths}
    missing = [name for name in names if name not in found]
    if missing and stated.doubt:
        return stated.doubt
    if missing:
        return f"says {lengths_words(found)}, and nothing of {' and '.join(missing)}"
    for name in ("y", "x"):
        nanometres = found[name][0] * nanometres_per(found[name][1])
        if not FINEST_NM * (1 - _ROUNDING) <= nanometres <= COARSEST_NM * (1 + _ROUNDING):
            which = "fine" if nanometres < FINEST_NM else "coarse"
            return f"says {lengths_words(found)}, too {which} for a pixel of a microscope"
    oddity = _oddity(stated, names)
    if oddity and not stated.is_calibration:
        return f"says {lengths_words(found)}: {oddity}"
    if stated.implied and oddity:
        return f"says {lengths_words({n: v for n, v in found.items() if n not in stated.implied})}, {oddity}"
    return ""


def _oddity(stated: StatedSize, names: Sequence[str]) -> str:
    """Return what is unusual about the lengths of a pixel to each other, empty where nothing is."""
    size = {name: stated.lengths[name][0] * nanometres_per(stated.lengths[name][1]) for name in names}
    ratio = max(size["y"], size["x"]) / min(size["y"], size["x"])
    if ratio > _LEAST_SQUARE * (1 + _ROUNDING):
        return f"a pixel is {ratio:.4g} times as long along one axis of the plane as along the other"
    if "z" not in size:
        return ""
    depth = size["z"] / size["x"]
    if not _FLATTEST * (1 - _ROUNDING) <= depth <= _DEEPEST * (1 + _ROUNDING):
        implied = "nothing of z, and with the 1 that goes without saying " if "z" in stated.implied else ""
        return f"{implied}slices are {depth:.4g} times as far apart as a pixel is wide"
    return ""
