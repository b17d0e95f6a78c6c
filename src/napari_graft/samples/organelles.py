"""What neurites contain: mitochondria, vesicles, microtubules, membranes of the reticulum, synaptic densities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.fields import FloatArray, smooth_field
from napari_graft.samples.look import Look


@dataclass(frozen=True, slots=True)
class Tissue:
    """Hold the cells (z, y, x) that a scene is painted on, and each pixel's distance to the nearest cell edge."""

    cells: NDArray[np.int32]
    depth: FloatArray


def paint_mitochondria(scene: FloatArray, tissue: Tissue, look: Look, rng: np.random.Generator) -> None:
    """Paint dark ellipses with cristae into the scene, each inside one cell, through a few slices."""
    n_slices, height, width = scene.shape
    density = look.mitochondria * 0.03 / look.radius**2
    inside = np.zeros(scene.shape, np.float32)
    for _ in range(rng.poisson(density * height * width * (1 + n_slices / 8))):
        z, y, x = _roomy_place(tissue.depth, rng)
        short = min(
            look.radius * rng.uniform(0.3, 0.9), rng.uniform(0.5, 0.95) * float(tissue.depth[z, y, x])
        )
        if short < 3.0:
            continue
        ellipse = _Ellipse(
            y, x, short, short * rng.uniform(1.0, 3.0), rng.uniform(0, np.pi), rng.normal(0, 0.15)
        )
        reach = int(rng.integers(1, 6))
        for at in range(max(z - reach, 0), min(z + reach + 1, n_slices)):
            shrink = np.sqrt(1 - ((at - z) / (reach + 1)) ** 2)
            slice_ = Tissue(tissue.cells[at], tissue.depth[at])
            _add_body(inside[at], slice_, ellipse.shrunk(shrink))
    rim = 0.12 * np.clip(2.2 - inside, 0, 1)
    scene -= np.clip(inside, 0, 1) * (_cristae(scene.shape, look, rng) + rim)


def _cristae(shape: tuple[int, ...], look: Look, rng: np.random.Generator) -> FloatArray:
    """Return how dark a mitochondrion would be at each pixel: wavy folds on an even tone."""
    folds = smooth_field(shape, (3.0, look.radius * 0.6, look.radius * 0.6), rng) * rng.uniform(3.0, 8.0)
    return np.asarray(rng.uniform(0.12, 0.45) + rng.uniform(0.02, 0.09) * np.sin(folds), np.float32)


def _roomy_place(depth: FloatArray, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return the deepest inside a cell of three random places."""
    places = [
        (int(rng.integers(n[0])), int(rng.integers(n[1])), int(rng.integers(n[2]))) for n in [depth.shape] * 3
    ]
    return max(places, key=lambda place: float(depth[place]))


@dataclass(frozen=True, slots=True)
class _Ellipse:
    y: int
    x: int
    short: float
    long: float
    angle: float
    bend: float

    def shrunk(self, factor: float) -> _Ellipse:
        return _Ellipse(self.y, self.x, self.short * factor, self.long * factor, self.angle, self.bend)


def _add_body(inside: FloatArray, tissue: Tissue, ellipse: _Ellipse) -> None:
    """Raise `inside`, the depth inside a mitochondrion, to that of one more, kept within its cell."""
    reach = int(ellipse.long) + 2
    box = (
        slice(max(ellipse.y - reach, 0), ellipse.y + reach + 1),
        slice(max(ellipse.x - reach, 0), ellipse.x + reach + 1),
    )
    rows = np.arange(box[0].start, min(box[0].stop, inside.shape[0]))[:, None] - ellipse.y
    columns = np.arange(box[1].start, min(box[1].stop, inside.shape[1]))[None, :] - ellipse.x
    along = rows * np.sin(ellipse.angle) + columns * np.cos(ellipse.angle)
    across = rows * np.cos(ellipse.angle) - columns * np.sin(ellipse.angle)
    across = across + ellipse.bend * along**2 / ellipse.long
    body = ellipse.short * (1 - np.hypot(along / ellipse.long, across / ellipse.short))
    body = np.minimum(body, tissue.depth[box] - 2.5) * (
        tissue.cells[box] == tissue.cells[ellipse.y, ellipse.x]
    )
    inside[box] = np.maximum(inside[box], body)


def paint_small_bodies(scene: FloatArray, tissue: Tissue, look: Look, rng: np.random.Generator) -> None:
    """Paint vesicles (dark rings, crowded in some cells), microtubules (dark dots) and reticulum (thin curves)."""
    n_cells = int(tissue.cells.max()) + 1
    roominess = np.clip(tissue.depth - 3, 0, 1)
    if look.vesicles:
        crowding = np.where(rng.random(n_cells) < 0.3, rng.random(n_cells), 0) * 0.04 * look.vesicles
        clusters = smooth_field(scene.shape, (2.0, 14.0, 14.0), rng) > 0.2
        dots = rng.random(scene.shape, dtype=np.float32) < crowding[tissue.cells] * clusters * roominess
        size = rng.uniform(1.0, 1.5)
        rings = 1.8 * _spots(dots, size * 1.3) - 1.2 * _spots(dots, size * 0.8)
        scene -= np.clip(rings, -0.15, 0.3)
    if look.microtubules:
        crowding = np.where(rng.random(n_cells) < 0.4, rng.random(n_cells), 0) * 0.02 * look.microtubules
        dots = rng.random(scene.shape, dtype=np.float32) < crowding[tissue.cells] * roominess
        scene -= np.clip(_spots(dots, 0.9), 0, 0.3)
    curves = np.abs(smooth_field(scene.shape, (2.0, 10.0, 10.0), rng)) < 0.07
    holders = np.where(rng.random(n_cells) < 0.3, rng.uniform(0.05, 0.25, n_cells), 0).astype(np.float32)
    scene -= holders[tissue.cells] * curves * roominess


def paint_synapses(scene: FloatArray, tissue: Tissue, look: Look, rng: np.random.Generator) -> None:
    """Darken and thicken short stretches of membrane."""
    shape = scene.shape
    where = smooth_field(shape, (3.0, look.radius * 0.8, look.radius * 0.8), rng) > 2.6 - 0.5 * look.synapses
    thickness = look.membrane_width * rng.uniform(0.8, 1.6)
    scene -= 0.35 * where * np.exp(-((tissue.depth / thickness) ** 2))


def _spots(dots: NDArray[np.bool_], sigma: float) -> FloatArray:
    blurred = ndimage.gaussian_filter(dots.astype(np.float32), (0.0, sigma, sigma), truncate=3.0)
    return np.asarray(blurred * 2 * np.pi * sigma**2 * 0.25, np.float32)
