"""Random fields: the smooth and grainy noise that shapes and textures are made of."""

from __future__ import annotations

from collections.abc import Sequence

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
