"""Generated electron micrographs of neuropil: neurites and what they contain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.appearance import (
    Appearance,
    GeneratedImage,
    connected_truth,
    photograph,
    random_appearance,
    touching_edges,
)
from napari_graft.samples.shapes import Ellipse, FloatArray, box_around, grain, pixel_positions, smooth_field

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


_RIM = 0.12


@dataclass(frozen=True, slots=True)
class Tissue:
    """The cells that a scene is painted on, and each pixel's distance to the nearest cell edge.

    Both (z, y, x), or (y, x) for one slice.
    """

    cells: NDArray[np.int32]
    depth: FloatArray


def paint_mitochondria(
    scene: FloatArray, tissue: Tissue, appearance: Appearance, rng: np.random.Generator
) -> None:
    """Paint dark bodies with folded insides into the scene, each within one cell and through a few slices."""
    n_slices, height, width = scene.shape
    density = appearance.mitochondria * 0.03 / appearance.radius**2
    inside = np.zeros(scene.shape, np.float32)
    for _ in range(rng.poisson(density * height * width * (1 + n_slices / 8))):
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
            _add_body(inside[at], Tissue(tissue.cells[at], tissue.depth[at]), body.scaled(size))
    rim = _RIM * np.clip(2.2 - inside, 0, 1)
    scene -= np.clip(inside, 0, 1) * (_cristae(scene.shape, appearance, rng) + rim)


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


def _add_body(inside: FloatArray, tissue: Tissue, body: Ellipse) -> None:
    """Raise `inside`, the depth inside a mitochondrion, to that of one more, kept within its cell."""
    box = box_around(body.y, body.x, body.long + 1, inside.shape)
    depth = body.short * (1 - body.distance(*pixel_positions(box)))
    is_own_cell = tissue.cells[box] == tissue.cells[int(body.y), int(body.x)]
    depth = np.minimum(depth, tissue.depth[box] - 2.5) * is_own_cell
    inside[box] = np.maximum(inside[box], depth)


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


def generate_neuropil(
    shape: tuple[int, ...], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate an EM-like image (y, x), or a stack (z, y, x) whose slices change smoothly, with its truth.

    One id for each cell profile; membrane (and myelin) is background. None draws an appearance at random.
    """
    appearance = appearance or random_appearance(rng)
    stack_shape = (1, shape[0], shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])
    cells = pack_cells(stack_shape, appearance, rng)
    tissue = Tissue(
        cells, _distance_to_edges(cells, rounding=float(np.clip(appearance.radius / 8, 0.8, 3.0)))
    )
    sheath = _sheath_thickness(tissue, appearance, rng)
    scene = _paint(tissue, sheath, appearance, rng)
    is_object = tissue.depth > np.maximum(0.5 + appearance.membrane_width / 4, sheath)
    truth = connected_truth(np.where(is_object, cells, 0).astype(np.int32))
    return GeneratedImage(photograph(scene, appearance, rng).reshape(shape), truth.reshape(shape))


def _distance_to_edges(cells: NDArray[np.int32], rounding: float) -> FloatArray:
    """Return the distance to the nearest edge in the slice, with the corners where cells meet rounded off.

    Smoothing with sigma s turns the distance x from a straight edge into about 0.8 s + f with
    x² = f² + 2 s f; where cells meet in a corner f is negative, which is read as edge.
    """
    depth = np.empty(cells.shape, np.float32)
    for z, cell in enumerate(cells):
        edges = touching_edges(cell)
        distance = ndimage.distance_transform_edt(~edges) if edges.any() else np.full(cell.shape, 100.0)
        rise = ndimage.gaussian_filter(distance, rounding, truncate=3.0) - 0.8 * rounding
        rise = np.maximum(rise, 0.0)
        depth[z] = np.where(edges, 0.0, np.sqrt(rise * (rise + 2 * rounding)))
    return depth


def _sheath_thickness(tissue: Tissue, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Return the thickness of the myelin of the cell at each pixel: 0 where there is none."""
    n_cells = int(tissue.cells.max()) + 1
    widest = np.zeros(n_cells, np.float32)
    np.maximum.at(widest, tissue.cells.ravel(), tissue.depth.ravel())
    has_myelin = (rng.random(n_cells) < appearance.myelin) & (widest > 8)
    thickness = np.where(has_myelin, widest * rng.uniform(0.2, 0.5, n_cells), 0)
    return np.asarray(thickness[tissue.cells], np.float32)


def _paint(
    tissue: Tissue, sheath: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint cytoplasm, its contents, then the membranes over it; bright ground, dark membranes."""
    shape = tissue.cells.shape
    tones = 0.72 + appearance.cytoplasm_spread * rng.standard_t(4, int(tissue.cells.max()) + 1)
    scene = np.clip(tones, 0.45, 1.0).astype(np.float32)[tissue.cells]
    if appearance.mitochondria:
        paint_mitochondria(scene, tissue, appearance, rng)
    paint_small_bodies(scene, tissue, appearance, rng)
    scene += appearance.texture * grain(shape, appearance.texture_scale, rng)
    scene += 0.5 * appearance.texture * smooth_field(shape, (2.0, 9.0, 9.0), rng)
    if appearance.synapses:
        paint_synapses(scene, tissue, appearance, rng)
    scene -= _membranes(tissue, appearance, rng)
    in_sheath = np.clip(sheath - tissue.depth + 0.5, 0, 1)
    myelin = rng.uniform(0.05, 0.25) + 0.3 * (scene - 0.72)
    return np.asarray(scene + in_sheath * (myelin - scene), np.float32)


def _membranes(tissue: Tissue, appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Return the darkness of the membranes: here thin and crisp, there wide and faint (cut obliquely)."""
    shape = tissue.cells.shape
    oblique = np.clip(smooth_field(shape, (2.0, appearance.radius, appearance.radius), rng) - 0.9, 0, 1)
    oblique = 2 * appearance.membrane_gaps * oblique
    unevenness = 1 + 0.2 * smooth_field(shape, (2.0, 20.0, 20.0), rng)
    width = appearance.membrane_width * unevenness * (1 + 2.5 * oblique)
    strength = appearance.membrane_contrast * np.clip(1 - 0.8 * oblique, 0.15, 1)
    profile = np.exp(-((tissue.depth / np.maximum(0.55 * width, 0.6)) ** 2))
    return np.asarray(strength * profile, np.float32)
