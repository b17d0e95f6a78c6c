"""Random fields and bent ellipses: what shapes and textures of generated images are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float32]


def smooth_field(shape: Sequence[int], scale: Sequence[float], rng: np.random.Generator) -> FloatArray:
    """Draw a smooth field with zero mean and unit variance (in expectation).

    White noise on a grid of `scale` pixels a cell, interpolated by cubic B-splines one axis at a time: as
    smooth as Gaussian-filtered noise and much faster. `shape` and `scale` have equal length; float32.
    """
    bases = [_spline_basis(n, s, rng.random()) for n, s in zip(shape, scale, strict=True)]
    field = rng.standard_normal([basis.shape[1] for basis in bases], dtype=np.float32)
    for axis, basis in enumerate(bases):
        norm = basis / np.sqrt((basis**2).sum(axis=1, keepdims=True))
        field = np.moveaxis(np.tensordot(norm, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field, dtype=np.float32)


def grain(shape: Sequence[int], sigma: float, rng: np.random.Generator) -> FloatArray:
    """Draw fine correlated noise (Gaussian-filtered in y and x only) with about unit variance."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if sigma < 0.3:
        return noise
    sigmas = (0.0,) * (len(shape) - 2) + (sigma, sigma)
    noise = ndimage.gaussian_filter(noise, sigmas, mode="wrap", truncate=3.0)
    return np.asarray(noise / max(float(noise.std()), 1e-6), dtype=np.float32)


def _spline_basis(n: int, scale: float, phase: float) -> FloatArray:
    """Return the (n, n_knots) matrix of uniform cubic B-spline weights at n positions."""
    position = np.arange(n) / max(scale, 1.0) + phase
    knot = np.floor(position).astype(np.intp)
    t = position - knot
    weights = (
        np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    )
    basis = np.zeros((n, int(knot[-1]) + 4), np.float32)
    rows = np.arange(n)[:, None]
    basis[rows, knot[:, None] + np.arange(4)] = weights
    return basis


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
