"""The calibration and the text "Info" that ImageJ and Fiji write into a TIFF.

Pixels per unit are in the resolution tags, the distance of the slices and the units in the description;
where that distance is 1 it is left out, as is the unit of y or z where it is that of x (ij.io.FileSaver).
The distance is negative where the slices run downwards. The text "Info" holds notes of the user, or what
Bio-Formats found in a microscope's file; ImageJ copies it from image to image and changes nothing in it,
also where the image was scaled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from napari_graft.io.pixel_sizes.stated import (
    StatedSize,
    as_number,
    as_text,
    in_unit,
    lengths_words,
    state_size,
)

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


INFO_ORIGIN = "the text Info of the ImageJ metadata"
_MOST_LETTERS = 10_000_000
_LINE = re.compile(r"^\s*(?:Global )?([^=:\n]{1,100}?)\s*[=:]\s*(.{1,200}?)\s*$", re.MULTILINE)
_NUMBER = r"\d*\.?\d+(?:[eE][-+]?\d+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER}(?:\s*[x×*]\s*{_NUMBER})*)\s*([A-Za-zµμÅ]+)(?:\^?[23²³])?")
_BY_NAME = {"pixel size": 2, "pixelsize": 2, "voxel size": 3, "voxelsize": 3}
"""How many numbers stand there at most, in the order x, y, z; one alone is that of x and y."""

Values = Mapping[str, set[str]]
Lengths = dict[str, tuple[object, object]]


def info_size(text: str, n_pixels: Mapping[str, int]) -> StatedSize:
    """Return the pixel size that the text states, where it is clear that it is that of this image.

    Parameters
    ----------
    n_pixels
        Width and height of the image, by axis letter. Where the text has others, the image was cut or scaled
        since; where it has none, it may have been.
    """
    values: dict[str, set[str]] = {}
    for key, value in _LINE.findall(text[:_MOST_LETTERS]):
        values.setdefault(key.lower(), set()).add(value)
    found = [lengths for read in _CONVENTIONS if (lengths := _clear(read(values)))]
    stated = [state_size(INFO_ORIGIN, lengths) for lengths in found]
    sizes = sorted((one.lengths for one in stated if one.lengths), key=len, reverse=True)
    if not sizes:
        return next(iter(stated), StatedSize(INFO_ORIGIN))
    if any(_differ(one, sizes[0]) for one in sizes) or any(len(said) > 1 for said in _ambiguous(values)):
        return StatedSize(INFO_ORIGIN, doubt="says several pixel sizes")
    if _is_of_this_image(values, n_pixels):
        return StatedSize(INFO_ORIGIN, sizes[0])
    words = lengths_words(sizes[0])
    doubt = f"says {words}, which may be of the image before it was cut or scaled"
    return StatedSize(INFO_ORIGIN, doubt=doubt)


def _differ(some: Mapping[str, tuple[float, str]], others: Mapping[str, tuple[float, str]]) -> bool:
    """Say whether two statements contradict each other about any axis."""
    return any(in_unit(*some[axis], "nm") != in_unit(*others[axis], "nm") for axis in {*some} & {*others})


def _is_of_this_image(values: Values, n_pixels: Mapping[str, int]) -> bool:
    """Say whether the text has the width and the height of the image."""
    for axis, n in n_pixels.items():
        names = (f"size{axis}", f"information|image|size{axis} #1", f"information|image|size{axis}")
        said = {value for name in names for value in values.get(name, ())}
        if said != {str(n)}:
            return False
    return True


def _ome(values: Values) -> Lengths:
    """``PhysicalSizeX = 0.1``, in µm where ``PhysicalSizeXUnit`` is missing, as in OME-XML."""
    found: Lengths = {}
    for axis in "zyx":
        for value in values.get(f"physicalsize{axis}", ()):
            number, _, unit = value.partition(" ")
            written = next(iter(values.get(f"physicalsize{axis}unit", ())), "µm")
            found[axis] = (number, unit.strip() or written)
    return found


def _zeiss(values: Values) -> Lengths:
    """``Scaling|Distance|Value #1 = 6.5E-8`` of CZI files, in metres; ``Id #1`` says which axis that is."""
    found: Lengths = {}
    for number, axis in enumerate("xyz", 1):
        names = values.get(f"scaling|distance|id #{number}", {axis})
        for value in values.get(f"scaling|distance|value #{number}", ()):
            for name in names:
                found[name.lower()] = (value, "m")
    return found


def _by_name(values: Values) -> Lengths:
    """``Pixel size: 0.1 µm``, ``Voxel size: 0.1 x 0.1 x 0.5 micron^3``, as people and programs write."""
    found: Lengths = {}
    for name, n_most in _BY_NAME.items():
        for value in values.get(name, ()):
            match = _WITH_UNIT.fullmatch(value)
            numbers = re.findall(_NUMBER, match[1]) if match else []
            if match and len(numbers) in (1, n_most):
                both = numbers * 2 if len(numbers) == 1 else numbers
                found |= {axis: (number, match[2]) for axis, number in zip("xyz", both, strict=False)}
    return found


_CONVENTIONS: tuple[Callable[[Values], Lengths], ...] = (_ome, _zeiss, _by_name)


def _clear(lengths: Lengths) -> Lengths:
    """Return lengths of which x and y are known; one alone may be of anything."""
    return lengths if all(as_number(lengths.get(axis, (None, None))[0]) for axis in "xy") else {}


def _ambiguous(values: Values) -> Iterator[set[str]]:
    """Yield what stands behind the keys of sizes; more than one where a file of several images was read."""
    for key, found in values.items():
        if key.startswith(("physicalsize", "scaling|distance|")) or key in _BY_NAME:
            yield found
