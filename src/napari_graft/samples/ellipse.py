"""Bent ellipses: the shape that nuclei, cells and mitochondria start from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse by its centre, its half axes in pixels and the direction of the long one in radians."""

    y: float
    x: float
    short: float
    long: float
    angle: float
    bend: float = 0.0

    def scaled(self, factor: float) -> Ellipse:
        """Return the ellipse with both half axes multiplied."""
        return replace(self, short=self.short * factor, long=self.long * factor)

    def distance(self, y: NDArray[np.floating], x: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return how far points lie from the centre: 1 on the outline, less inside."""
        rows, columns = y - self.y, x - self.x
        along = rows * np.sin(self.angle) + columns * np.cos(self.angle)
        across = rows * np.cos(self.angle) - columns * np.sin(self.angle)
        across = across + self.bend * along**2 / self.long
        return np.asarray(np.hypot(along / self.long, across / self.short), np.float32)


def box_around(y: float, x: float, reach: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the part of a (y, x) image that lies within `reach` pixels of a point along each axis."""
    rows, columns = (
        slice(min(max(int(c - reach), 0), n), min(max(int(c + reach) + 1, 0), n))
        for c, n in zip((y, x), shape, strict=True)
    )
    return rows, columns


def pixel_positions(box: tuple[slice, slice]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the y and x of the pixels of a box, as a column and a row that broadcast against each other."""
    rows = np.arange(box[0].start, box[0].stop, dtype=np.float32)
    columns = np.arange(box[1].start, box[1].stop, dtype=np.float32)
    return rows[:, None], columns[None, :]
