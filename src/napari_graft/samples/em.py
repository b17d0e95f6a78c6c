"""Generated electron micrographs of neuropil."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.camera import photograph
from napari_graft.samples.fields import FloatArray, grain, smooth_field
from napari_graft.samples.generated import GeneratedImage
from napari_graft.samples.look import Appearance, random_appearance
from napari_graft.samples.neurites import pack_cells
from napari_graft.samples.organelles import Tissue, paint_mitochondria, paint_small_bodies, paint_synapses
from napari_graft.samples.truth import connected_truth, touching_edges


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
