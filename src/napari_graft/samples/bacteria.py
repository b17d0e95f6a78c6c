"""Generated images of bacteria, as light microscopes show them."""

from __future__ import annotations

from collections.abc import Callable

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
from napari_graft.samples.rods import draw_rods
from napari_graft.samples.shapes import FloatArray, grain, smooth_field


def generate_bacteria(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of bacteria in phase contrast, bright field or fluorescence, with its truth.

    Synthetic images of rods suffice to train networks that segment real ones: Hardo et al. 2022, BMC Biol
    20:263 (SyMBac). Cells may touch in the image; in the truth a line of background lies between them.
    An appearance of None draws one at random; of it the radius counts, and what the instrument does.
    """
    appearance = appearance or random_appearance(rng)
    cells = draw_rods(shape, appearance, rng)
    inside = ndimage.distance_transform_edt((cells > 0) & ~touching_edges(cells))
    outside = ndimage.distance_transform_edt(cells == 0)
    depth = np.asarray(np.where(cells > 0, inside, -outside), np.float32)
    paint = _PAINTERS[int(rng.choice(len(_PAINTERS), p=_CHANCES))]
    scene = paint(cells, depth, appearance, rng)
    regions = np.where(touching_edges(cells), 0, cells).astype(np.int32)
    return GeneratedImage(photograph(scene[None], appearance, rng)[0], connected_truth(regions[None])[0])


_Painter = Callable[[NDArray[np.int32], FloatArray, Appearance, np.random.Generator], FloatArray]


def _per_cell(cells: NDArray[np.int32], low: float, high: float, rng: np.random.Generator) -> FloatArray:
    return np.asarray(rng.uniform(low, high, int(cells.max()) + 1).astype(np.float32)[cells], np.float32)


def _paint_phase(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint dark cells on grey ground, each colony in a bright halo that fades away from it."""
    is_cell = cells > 0
    thick = np.clip(depth / rng.uniform(1.5, 4.0), 0, 1) ** rng.uniform(0.4, 1.2)
    contrast = rng.uniform(0.25, 0.6) * _per_cell(cells, rng.uniform(0.5, 0.95), 1.0, rng)
    shade = ndimage.gaussian_filter(is_cell.astype(np.float32), rng.uniform(3, 9), truncate=3.0)
    halo = rng.uniform(0.0, 0.7) * shade * ~is_cell
    halo += rng.uniform(0.0, 0.35) * np.exp(-(((depth + 1.5) / rng.uniform(1.0, 2.5)) ** 2)) * ~is_cell
    shine = rng.uniform(-0.1, 0.4) * shade * is_cell  # a thick colony is brighter in its middle
    ground = rng.uniform(0.45, 0.65) + 0.04 * smooth_field(cells.shape, (30.0, 30.0), rng)
    ground = ground + 0.5 * appearance.texture * grain(cells.shape, rng.uniform(1, 3), rng)
    return np.asarray(ground + halo + shine - contrast * thick * is_cell, np.float32)


def _paint_bright_field(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint cells that are hardly darker or lighter than their ground, with rims and fringes around them."""
    pitch, phase = rng.uniform(3.0, 7.0), rng.uniform(0, 2 * np.pi)
    fringes = np.cos(2 * np.pi * depth / pitch + phase) * np.exp(-np.abs(depth) / rng.uniform(1.5, 5.0))
    body = _per_cell(cells, -0.35, rng.uniform(-0.2, 0.25), rng) * (cells > 0)
    ground = 0.6 + 0.04 * smooth_field(cells.shape, (25.0, 25.0), rng)
    ground = ground + appearance.texture * grain(cells.shape, rng.uniform(1, 3), rng)
    return np.asarray(ground + rng.uniform(0.1, 0.35) * fringes + body * np.clip(depth / 3, 0, 1), np.float32)


def _paint_fluorescence(
    cells: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint bright cells, filled or as rims alone, on dark ground with the haze of what is out of focus."""
    rim = np.exp(-(((depth - 1.5) / rng.uniform(1.0, 2.5)) ** 2)) * (cells > 0)
    full = np.clip(depth / rng.uniform(1.5, 4.0), 0, 1) ** 0.7
    share = rng.choice([0.0, 1.0, rng.random()], p=[0.6, 0.2, 0.2])
    bright = _per_cell(cells, rng.uniform(0.15, 0.8), 1.0, rng)
    mottled = 1 + rng.uniform(0, 3) * appearance.texture * smooth_field(cells.shape, (4.0, 4.0), rng)
    body = bright * (share * rim + (1 - share) * full * mottled)
    haze = rng.uniform(0.0, 0.4) * ndimage.gaussian_filter(body, rng.uniform(4, 12), truncate=2.0)
    return np.asarray(0.8 * body + haze + rng.uniform(0.02, 0.2), np.float32)


_PAINTERS: tuple[_Painter, ...] = (_paint_phase, _paint_bright_field, _paint_fluorescence)
_CHANCES = (0.5, 0.2, 0.3)
