"""Axes of one pixel: left out as an image is read, and put into its result, so that that lies on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
