"""Names of the axes of a file, and axes of one pixel: left out on reading, put back on writing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from napari_graft.core.axes import SPATIAL_NAMES
from napari_graft.core.errors import InputError, UnclearImageError

KNOWN_AXES = "tczyx"
UNKNOWN = "?"
"""Stands for an axis of which a file says nothing."""
N_COLOURS = (3, 4)


_LETTERS = {
    "time": "t", "frame": "t", "channel": "c", "channels": "c", "band": "c", "depth": "z", "plane": "z",
    "slice": "z", "height": "y", "row": "y", "width": "x", "col": "x", "column": "x",
}  # fmt: skip
_NO_NAME = re.compile(r"(none|dim_?\d+|axis_?\d+|phony_dim_\d+)?")


def letters_of(names: object) -> str | None:
    """Return axis names such as ``["z", "height", "width"]`` as letters, ``?`` for one that says nothing.

    None where there are no names, or none of them is known.

    >>> letters_of(["z", "height", "width"])
    'zyx'
    """
    if not isinstance(names, list | tuple):
        return None
    words = [str(name).strip().lower() for name in names]
    letters = "".join(word if word and word in KNOWN_AXES else _LETTERS.get(word, UNKNOWN) for word in words)
    return letters if len(letters) == len(words) and set(letters) - {UNKNOWN} else None


def odd_axis(names: object, shape: tuple[int, ...]) -> str | None:
    """Return in words which axis has a name that is none of time, channel and space, else None."""
    letters = letters_of(names) if isinstance(names, list | tuple) else None
    if letters is None or not isinstance(names, list | tuple):
        return None
    for name, letter, n in zip(names, letters, shape, strict=False):
        if letter == UNKNOWN and n > 1 and not _NO_NAME.fullmatch(str(name).strip().lower()):
            return (
                f"has the axis {str(name)!r} of length {n}: "
                "save one of its images as a file, or name the axes, for example --axes zyx"
            )
    return None


def name_axes(
    shape: tuple[int, ...], axes: str | None, path: str, *, has_channel_choice: bool = False
) -> str:
    """Return one letter of ``tczyx`` for each axis, guessed where there is one right guess.

    Axes of length 1 may be anything. Two longer ones are y and x, three are z, y and x; but a last axis of
    three or four may hold colours as well as slices.

    Parameters
    ----------
    axes
        A letter for each axis, ``?`` for one that is not known; None where none is.
    has_channel_choice
        Whether the user says which channels are meant, so that a last axis of three or four holds channels.

    Raises
    ------
    InputError
        If the letters do not fit the shape, or it is not clear what is what.
    """
    if len(shape) < 2:
        raise InputError(f"{path} has the shape {shape}: an image has at least the two axes y and x")
    letters = (axes or UNKNOWN * len(shape)).lower()
    if len(letters) != len(shape):
        raise InputError(
            f"axes {axes!r} name {len(letters)} axes but {path} has the {len(shape)} of shape {shape}: "
            "give one letter for each axis"
        )
    if UNKNOWN in letters:
        letters = _fill(shape, letters, path, has_channel_choice)
    if len(set(letters)) < len(letters) or not {"y", "x"} <= set(letters) <= set(KNOWN_AXES):
        raise InputError(
            f"axes {letters!r} of {path} must hold y and x, and may hold t, c and z, each once: "
            "for example 'zyx' (--axes)"
        )
    return letters


def _fill(shape: tuple[int, ...], letters: str, path: str, has_channel_choice: bool) -> str:
    """Replace the unknown letters."""
    unknown = [axis for axis, letter in enumerate(letters) if letter == UNKNOWN]
    long = [axis for axis in unknown if shape[axis] > 1]
    lacking = [name for name in SPATIAL_NAMES if name not in letters]
    if len(long) < 2 and len(unknown) == len(shape) <= 3:
        long = unknown  # a line or a point
    if len(unknown) == len(shape) and len(long) == 3 and shape[long[-1]] in N_COLOURS:
        if not has_channel_choice:
            raise _doubt(shape, long, path)
        lacking = ["y", "x", "c"]
    filled = dict(zip(long, lacking[len(lacking) - len(long) :], strict=False))
    if len(filled) < len(long) or not {"y", "x"} <= {*letters, *filled.values()}:
        raise UnclearImageError(
            f"{path} has {len(shape)} axes of shape {shape} and does not say what they are",
            "name them, for example axes 'tczyx' or 'zyxc' (--axes)",
        )
    spare = [name for name in "zct" if name not in letters and name not in filled.values()]
    singles = [axis for axis in reversed(unknown) if axis not in filled]
    if len(singles) > len(spare):
        raise InputError(f"{path} has the shape {shape}: save it without so many axes of length 1")
    filled |= dict(zip(singles, spare, strict=False))
    return "".join(filled.get(axis, letter) for axis, letter in enumerate(letters))


def _doubt(shape: tuple[int, ...], long: list[int], path: str) -> UnclearImageError:
    singles = dict(zip((axis for axis in range(len(shape)) if axis not in long), "tz", strict=False))
    letters = {name: dict(zip(long, name, strict=True)) | singles for name in ("yxc", "zyx", "yxz")}
    words = {name: "".join(named[axis] for axis in range(len(shape))) for name, named in letters.items()}
    return UnclearImageError(
        f"{path} has the shape {shape} and does not say whether its last axis holds colours",
        f"give --axes {words['yxc']} if so, --axes {words['yxz']} if it holds {shape[long[-1]]} slices, "
        f"or --axes {words['zyx']} if the first axis does",
    )


SingleAxes = tuple[tuple[int, str], ...]
"""Where in the stored array each of them is, counted with them, and its letter of ``tcz``."""


def find_single_axes(letters: str, shape: Sequence[int], names: Sequence[str]) -> SingleAxes:
    """Return the axes of one pixel; none where the other axes are stored in another order than `names`.

    >>> find_single_axes("tczyx", (1, 3, 5, 40, 50), "zyx")
    ((0, 't'),)
    """
    kept = [letter for letter, n in zip(letters, shape, strict=True) if letter in names or n == 1]
    if [letter for letter in kept if letter in names] != list(names):
        return ()
    return tuple((i, letter) for i, letter in enumerate(kept) if letter not in names)


def insert_ones(shape: Sequence[int], singles: SingleAxes) -> tuple[int, ...]:
    """Return a shape with the axes of one pixel."""
    longer = list(shape)
    for position, _ in singles:
        longer.insert(position, 1)
    return tuple(longer)


def insert_letters(names: Sequence[str], singles: SingleAxes) -> tuple[str, ...]:
    """Return the names of the axes with those of one pixel."""
    longer = list(names)
    for position, letter in singles:
        longer.insert(position, letter)
    return tuple(longer)


def fit_to_ngff(names: Sequence[str], singles: SingleAxes) -> SingleAxes:
    """Return the axes as OME-Zarr can have them, time and channels before space; none where it cannot."""
    if "z" not in names and not any(letter == "z" for _, letter in singles) and singles:
        if _is_ngff_order(insert_letters(names, singles)):
            return singles
        singles = (*singles[:-1], (singles[-1][0], "z"))  # a space axis may be anywhere among its like
    return singles if _is_ngff_order(insert_letters(names, singles)) else ()


def fit_to_tiff(names: Sequence[str], singles: SingleAxes) -> SingleAxes:
    """Return the axes as TIFF can have them: none between the rows and the columns of a page."""
    letters = insert_letters(names, singles)
    return singles if letters.index("x") == letters.index("y") + 1 else ()


def _is_ngff_order(letters: Sequence[str]) -> bool:
    ranks = ["tc".find(letter) if letter in "tc" else 2 for letter in letters]
    return ranks == sorted(ranks)


def add_to_multiscales(attributes: Mapping[str, Any], singles: SingleAxes) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr with the axes of one pixel in its first image."""
    if not singles:
        return dict(attributes)
    image = attributes["ome"]["multiscales"][0]
    axes = list(image["axes"])
    kinds = {"t": "time", "c": "channel", "z": "space"}
    for position, letter in singles:
        axes.insert(position, {"name": letter, "type": kinds[letter]})
    datasets = [
        entry | {"coordinateTransformations": [_longer(step, singles) for step in steps]}
        for entry in image["datasets"]
        for steps in [entry["coordinateTransformations"]]
    ]
    images = [image | {"axes": axes, "datasets": datasets}]
    return {**attributes, "ome": attributes["ome"] | {"multiscales": images}}


def _longer(step: dict[str, Any], singles: SingleAxes) -> dict[str, Any]:
    kind = step["type"]
    values = list(step[kind])
    for position, _ in singles:
        values.insert(position, 1.0 if kind == "scale" else 0.0)
    return step | {kind: values}
