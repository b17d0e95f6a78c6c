"""What the cells of generated neuropil contain: mitochondria, vesicles, microtubules, synapses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.appearance import Appearance
from napari_graft.samples.shapes import Ellipse, FloatArray, box_around, pixel_positions, smooth_field

_RIM = 0.12
_GAP = 1.0
"""Pixels between mitochondria that do not overlap."""


@dataclass(frozen=True, slots=True)
class Tissue:
    """The cells that a scene is painted on, and each pixel's distance to the nearest cell edge.

    Both (z, y, x), or (y, x) for one slice.
    """

    cells: NDArray[np.int32]
    depth: FloatArray


def paint_mitochondria(
    scene: FloatArray,
    tissue: Tissue,
    appearance: Appearance,
    rng: np.random.Generator,
    *,
    may_overlap: bool = True,
) -> NDArray[np.int32]:
    """Paint dark bodies with folded insides into the scene, each within one cell and through a few slices.

    Returns
    -------
    The number of the mitochondrion that each pixel lies in, 0 for none.
    """
    n_slices, height, width = scene.shape
    density = appearance.mitochondria * 0.03 / appearance.radius**2
    inside = np.zeros(scene.shape, np.float32)
    bodies = np.zeros(scene.shape, np.int32)
    for number in range(1, 1 + rng.poisson(density * height * width * (1 + n_slices / 8))):
        z, y, x = _roomy_place(tissue.depth, rng)
        room = float(tissue.depth[z, y, x])
        short = min(appearance.radius * rng.uniform(0.3, 0.9), rng.uniform(0.5, 0.95) * room)
        reach = int(rng.integers(1, 6))
        bend, angle = rng.normal(0, 0.15), rng.uniform(0, np.pi)
        body = Ellipse(y, x, short, short * rng.uniform(1.0, 3.0), angle, bend)
        if short < 3.0:
            continue
        for at in range(max(z - reach, 0), min(z + reach + 1, n_slices)):
            size = np.sqrt(1 - ((at - z) / (reach + 1)) ** 2)
            box, depth = _body_in(Tissue(tissue.cells[at], tissue.depth[at]), body.scaled(size))
            if not may_overlap and (inside[at][box] > 0)[depth > -_GAP].any():
                continue
            bodies[at][box][depth > inside[at][box]] = number
            inside[at][box] = np.maximum(inside[at][box], depth)
    rim = _RIM * np.clip(2.2 - inside, 0, 1)
    scene -= np.clip(inside, 0, 1) * (_cristae(scene.shape, appearance, rng) + rim)
    return bodies


def _cristae(shape: tuple[int, ...], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Return how dark a mitochondrion would be at each pixel: wavy folds on an even tone."""
    knots = (3.0, appearance.radius * 0.6, appearance.radius * 0.6)
    folds = smooth_field(shape, knots, rng) * rng.uniform(3.0, 8.0)
    return np.asarray(rng.uniform(0.12, 0.45) + rng.uniform(0.02, 0.09) * np.sin(folds), np.float32)


def _roomy_place(depth: FloatArray, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return that one of three random places which lies deepest inside a cell."""
    z, y, x = rng.integers(0, np.asarray(depth.shape)[:, None], (3, 3))
    best = int(depth[z, y, x].argmax())
    return int(z[best]), int(y[best]), int(x[best])


def _body_in(tissue: Tissue, body: Ellipse) -> tuple[tuple[slice, slice], FloatArray]:
    """Return how deep pixels around a mitochondrion lie in it, kept within its cell, and the box of them."""
    box = box_around(body.y, body.x, body.long + 1, tissue.cells.shape)
    depth = body.short * (1 - body.distance(*pixel_positions(box)))
    is_own_cell = tissue.cells[box] == tissue.cells[int(body.y), int(body.x)]
    return box, np.asarray(np.minimum(depth, tissue.depth[box] - 2.5) * is_own_cell, np.float32)


def paint_small_bodies(
    scene: FloatArray, tissue: Tissue, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Paint vesicles (rings, crowded in some cells), microtubules (dots) and reticulum (thin curves)."""
    n_cells = int(tissue.cells.max()) + 1
    roominess = np.clip(tissue.depth - 3, 0, 1)
    if appearance.vesicles:
        crowding = np.where(rng.random(n_cells) < 0.3, rng.random(n_cells), 0) * 0.04 * appearance.vesicles
        clusters = smooth_field(scene.shape, (2.0, 14.0, 14.0), rng) > 0.2
        dots = rng.random(scene.shape, dtype=np.float32) < crowding[tissue.cells] * clusters * roominess
        size = rng.uniform(1.0, 1.5)
        rings = 1.8 * _spots(dots, size * 1.3) - 1.2 * _spots(dots, size * 0.8)
        scene -= np.clip(rings, -0.15, 0.3)
    if appearance.microtubules:
        crowding = (
            np.where(rng.random(n_cells) < 0.4, rng.random(n_cells), 0) * 0.02 * appearance.microtubules
        )
        dots = rng.random(scene.shape, dtype=np.float32) < crowding[tissue.cells] * roominess
        scene -= np.clip(_spots(dots, 0.9), 0, 0.3)
    curves = np.abs(smooth_field(scene.shape, (2.0, 10.0, 10.0), rng)) < 0.07
    darkness = np.where(rng.random(n_cells) < 0.3, rng.uniform(0.05, 0.25, n_cells), 0).astype(np.float32)
    scene -= darkness[tissue.cells] * curves * roominess


def paint_synapses(
    scene: FloatArray, tissue: Tissue, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Darken and thicken short stretches of membrane."""
    knots = (3.0, appearance.radius * 0.8, appearance.radius * 0.8)
    where = smooth_field(scene.shape, knots, rng) > 2.6 - 0.5 * appearance.synapses
    thickness = appearance.membrane_width * rng.uniform(0.8, 1.6)
    scene -= 0.35 * where * np.exp(-((tissue.depth / thickness) ** 2))


def _spots(dots: NDArray[np.bool_], sigma: float) -> FloatArray:
    """Return a Gaussian spot of height 1/4 at every dot."""
    blurred = ndimage.gaussian_filter(dots.astype(np.float32), (0.0, sigma, sigma), truncate=3.0)
    return np.asarray(blurred * 2 * np.pi * sigma**2 * 0.25, np.float32)
