"""The geometry of generated neuropil: closely packed, curved cell profiles of very different size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.ellipse import box_around, pixel_positions
from napari_graft.samples.fields import FloatArray, smooth_field
from napari_graft.samples.look import Appearance

_MARGIN = 24
_Z_SCALE = 5.0


@dataclass(frozen=True, slots=True)
class Discs:
    """The discs that the skeletons of all cells are made of, the widest cells first."""

    cell: NDArray[np.int32]
    centre: FloatArray
    radius: FloatArray
    drift: FloatArray


def pack_cells(
    shape: tuple[int, int, int], appearance: Appearance, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Fill every pixel of a (z, y, x) stack with the id (1…) of a cell, without membranes.

    Each cell is a curved chain of discs; pixels go to the nearest disc (a Voronoi diagram of shapes), seen
    through a random smooth displacement. Discs drift from slice to slice and the displacement changes
    smoothly, so that slices follow each other. int32; ids need not be dense or connected.
    """
    canvas = (shape[1] + 2 * _MARGIN, shape[2] + 2 * _MARGIN)
    discs = _draw_discs(canvas, appearance, rng)
    dy, dx = (_displacement(shape, appearance, rng) for _ in range(2))
    rows, columns = _stretched_grid(canvas, appearance.stretch, rng.uniform(0, np.pi))
    cells = np.empty(shape, np.int32)
    for z in range(shape[0]):
        owner = _voronoi(canvas, discs, z - shape[0] / 2)
        at_row = np.rint(np.clip(rows + dy[z], 0, canvas[0] - 1)).astype(np.intp)
        at_column = np.rint(np.clip(columns + dx[z], 0, canvas[1] - 1)).astype(np.intp)
        cells[z] = owner[at_row, at_column]
    return cells


def _stretched_grid(canvas: tuple[int, int], stretch: float, angle: float) -> tuple[FloatArray, FloatArray]:
    """Return where on the canvas the image's pixels look, so that cells appear long along `angle`."""
    rows, columns = (np.arange(_MARGIN - n / 2, n / 2 - _MARGIN, dtype=np.float32) for n in canvas)
    along = rows[:, None] * np.sin(angle) + columns[None, :] * np.cos(angle)
    across = rows[:, None] * np.cos(angle) - columns[None, :] * np.sin(angle)
    along = along / stretch
    y = along * np.sin(angle) + across * np.cos(angle) + canvas[0] / 2
    x = along * np.cos(angle) - across * np.sin(angle) + canvas[1] / 2
    return y.astype(np.float32), x.astype(np.float32)


def _displacement(
    shape: tuple[int, int, int], appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    coarse = smooth_field(shape, (_Z_SCALE, appearance.radius * 2, appearance.radius * 2), rng)
    fine = smooth_field(shape, (_Z_SCALE, appearance.radius * 0.6, appearance.radius * 0.6), rng)
    return np.asarray(appearance.radius * appearance.waviness * (0.35 * coarse + 0.1 * fine), np.float32)


def _draw_discs(canvas: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> Discs:
    radii = _draw_radii(canvas, appearance, rng)
    centres, radii = _scatter(canvas, radii, rng)
    direction = smooth_field(canvas, (60.0, 60.0), rng) * 1.5 + rng.uniform(0, np.pi)
    cell, centre, radius, drift = [], [], [], []
    for index, (middle, r) in enumerate(zip(centres, radii, strict=True)):
        n_discs = 1 + min(int(rng.exponential(appearance.elongation) * 2.0), 12)
        angle = direction[int(middle[0]), int(middle[1])] + rng.normal(0, 0.5)
        bend = angle + rng.normal(0, 0.2) * np.arange(n_discs)
        steps = 0.8 * r * np.stack([np.sin(bend), np.cos(bend)], axis=1)
        path = np.cumsum(steps, axis=0)
        cell.append(np.full(n_discs, index + 1))
        centre.append(middle + path - path.mean(axis=0))
        radius.append(r * rng.uniform(0.45, 0.9, n_discs))
        drift.append(rng.normal(0, 0.8, (1, 2)) + rng.normal(0, 0.3, (n_discs, 2)))
    parts = [np.concatenate(part) for part in (cell, centre, radius, drift)]
    return Discs(parts[0].astype(np.int32), *(part.astype(np.float32) for part in parts[1:]))


def _draw_radii(canvas: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Draw log-normal radii, largest first, until the cells would about fill the canvas."""
    n_most = int(canvas[0] * canvas[1] / (2.0 * appearance.radius**2)) + 8
    radii = appearance.radius * np.exp(rng.normal(0.0, appearance.size_spread, n_most))
    radii = np.clip(radii, 4.5, min(60.0, min(canvas) / 5))
    area = np.cumsum(np.pi * radii**2 * (1 + 0.4 * appearance.elongation))
    n_kept = max(int(np.searchsorted(area, 0.95 * canvas[0] * canvas[1])), 4)
    return np.sort(radii[:n_kept])[::-1].astype(np.float32)


def _scatter(
    canvas: tuple[int, int], radii: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Place each cell at the roomiest of some random points; cells that find no room are left out."""
    placed = np.empty((len(radii), 2), np.float32)
    kept = np.empty(len(radii), np.float32)
    n_kept = 0
    for r in radii:
        tries = rng.random((12, 2), dtype=np.float32) * (np.asarray(canvas, np.float32) - 1)
        distance = np.hypot(*(tries[:, None] - placed[None, :n_kept]).transpose(2, 0, 1))
        room = (distance - kept[None, :n_kept] - r).min(axis=1, initial=np.inf)
        best = int(room.argmax())
        if room[best] > -0.7 * r:
            placed[n_kept], kept[n_kept] = tries[best], r
            n_kept += 1
    return placed[:n_kept], kept[:n_kept]


def _voronoi(canvas: tuple[int, int], discs: Discs, z: float) -> NDArray[np.int32]:
    """Return for every pixel of a slice the cell whose discs are nearest."""
    seeds = np.zeros(canvas, np.int32)
    middles = discs.centre + z * discs.drift
    for cell, (y, x), r in zip(discs.cell.tolist(), middles.tolist(), discs.radius.tolist(), strict=True):
        box = box_around(y, x, r, canvas)
        rows, columns = pixel_positions(box)
        seeds[box][(rows - y) ** 2 + (columns - x) ** 2 <= r * r] = cell
    nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.asarray(seeds[nearest[0], nearest[1]], np.int32)
