"""Generated images of cells, nuclei and organelles, as light and electron microscopes show them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.appearance import (
    Appearance,
    CellKind,
    GeneratedImage,
    connected_truth,
    photograph,
    random_appearance,
    touching_edges,
)
from napari_graft.samples.shapes import Ellipse, FloatArray, box_around, grain, pixel_positions, smooth_field


def draw_blobs(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw ellipses, partly in clumps, through a random smooth displacement; 0 is the ground.

    Where ellipses overlap, a pixel goes to the one whose centre is nearer, relative to its size. Pixels of
    different objects may touch.
    """
    wobble = (
        appearance.radius * appearance.waviness * (0.35 if appearance.cell_kind is CellKind.PHASE else 0.15)
    )
    knots = (appearance.radius * 1.2, appearance.radius * 1.2)
    dy, dx = (wobble * smooth_field(shape, knots, rng) for _ in range(2))
    blobs = np.zeros(shape, np.int32)
    nearest = np.ones(shape, np.float32)
    for index, (y, x) in enumerate(_centres(shape, appearance, rng).tolist()):
        short = appearance.radius * float(np.exp(rng.normal(0, 0.35 * appearance.size_spread)))
        long = short * (1 + rng.exponential(0.15 + 0.2 * appearance.elongation))
        ellipse = Ellipse(y, x, short, long, rng.uniform(0, np.pi))
        box = box_around(y, x, 2 * long, shape)
        rows, columns = pixel_positions(box)
        distance = ellipse.distance(rows + dy[box], columns + dx[box])
        is_won = distance < nearest[box]
        blobs[box][is_won] = index + 1
        nearest[box][is_won] = distance[is_won]
    return blobs


def _centres(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> NDArray[np.float64]:
    """Scatter centres, the first near the middle of the image, many of the others beside another one."""
    area = (shape[0] + appearance.radius) * (shape[1] + appearance.radius)
    n_centres = max(int(rng.uniform(0.1, 0.65) * area / (np.pi * appearance.radius**2 * 1.3)), 2)
    centres = rng.random((n_centres, 2)) * np.asarray(shape)
    centres[0] = (0.25 + 0.5 * rng.random(2)) * np.asarray(shape)
    clumping = rng.uniform(0.0, 0.7)
    for index in range(1, n_centres):
        if rng.random() < clumping:
            angle, distance = rng.uniform(0, 2 * np.pi), appearance.radius * rng.uniform(1.5, 2.4)
            beside = centres[int(rng.integers(index))]
            centres[index] = beside + distance * np.asarray([np.sin(angle), np.cos(angle)])
    apart = [0]
    for index in range(1, n_centres):
        if np.hypot(*(centres[apart] - centres[index]).T).min() > 1.2 * appearance.radius:
            apart.append(index)
    return np.asarray(centres[apart])


_Painter = Callable[[NDArray[np.int32], FloatArray, Appearance, np.random.Generator], FloatArray]


def generate_cells(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of separate objects of the kind that the appearance names, with its truth.

    Objects may touch in the image; in the truth a line of background lies between them.
    An appearance of None draws one at random.
    """
    appearance = appearance or random_appearance(rng)
    blobs = draw_blobs(shape, appearance, rng)
    depth = _distance_inside(blobs)
    scene = _PAINTERS[appearance.cell_kind](blobs, depth, appearance, rng)
    regions = np.where(touching_edges(blobs), 0, blobs).astype(np.int32)
    image = photograph(scene[None], appearance, rng)[0]
    return GeneratedImage(image, connected_truth(regions[None])[0])


def _distance_inside(blobs: NDArray[np.int32]) -> FloatArray:
    """Return how deep pixels lie in their object; ground has minus its distance to the nearest object."""
    inside = ndimage.distance_transform_edt((blobs > 0) & ~touching_edges(blobs))
    outside = ndimage.distance_transform_edt(blobs == 0)
    return np.asarray(np.where(blobs > 0, inside, -outside), np.float32)


def _per_object(blobs: NDArray[np.int32], low: float, high: float, rng: np.random.Generator) -> FloatArray:
    values = rng.uniform(low, high, int(blobs.max()) + 1).astype(np.float32)
    return np.asarray(values[blobs], np.float32)


def _paint_fluorescence(
    blobs: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint bright textured nuclei on dark ground, with haze and some nuclei out of focus."""
    dimmest = rng.uniform(0.15, 0.8)
    bright = _per_object(blobs, dimmest, 1.0, rng) * np.clip((depth + 1) / rng.uniform(1.5, 8.0), 0, 1) ** 0.6
    body = bright * (1 + 2.0 * appearance.texture * smooth_field(blobs.shape, (5.0, 5.0), rng)) * (blobs > 0)
    blurred = ndimage.gaussian_filter(body, rng.uniform(2.0, 5.0), truncate=2.5)
    focus = np.clip(0.5 + 0.8 * smooth_field(blobs.shape, (70.0, 70.0), rng) + rng.uniform(-0.2, 1.0), 0, 1)
    haze = rng.uniform(0.0, 0.3) * ndimage.gaussian_filter(body, 14.0, truncate=2.0) + rng.uniform(0.0, 0.15)
    return np.asarray(0.85 * (focus * body + (1 - focus) * blurred) + haze, np.float32)


def _paint_stained(
    blobs: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint dark mottled nuclei on a light ground of fibres and patches, as in stained tissue."""
    shape = blobs.shape
    fibres = np.abs(smooth_field(shape, (rng.uniform(6, 25), rng.uniform(6, 25)), rng))
    patches = smooth_field(shape, (40.0, 40.0), rng)
    ground = rng.uniform(0.65, 0.9) + 0.08 * patches
    ground = ground - rng.uniform(0.0, 0.15) * np.clip(1 - fibres * 1.5, 0, 1)
    ground = np.where(patches > rng.uniform(0.8, 2.5), 0.95, ground) + appearance.texture * grain(
        shape, 1.5, rng
    )
    body = _per_object(blobs, 0.15, rng.uniform(0.25, 0.55), rng)
    chromatin = 1.5 * appearance.texture * grain(shape, 2.0, rng) - 0.1 * (depth < 2.5)
    return np.asarray(np.where(blobs > 0, body + chromatin, ground), np.float32)


def _paint_phase(
    blobs: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint grey cells hardly different from their ground, with a bright halo and a granular inside."""
    shape = blobs.shape
    reach = rng.uniform(2.0, 5.0)
    glow = np.clip(0.7 + 0.5 * smooth_field(shape, (25.0, 25.0), rng), 0, 1.5)
    halo = appearance.membrane_contrast * glow * np.exp(-(((depth + reach / 2) / reach) ** 2))
    rim = np.exp(-(((depth - reach) / reach) ** 2)) * (blobs > 0)
    granularity = np.where(blobs > 0, 0.45 + np.clip(depth / 12, 0, 1), 0)
    granules = granularity * grain(shape, rng.uniform(1.0, 2.5), rng) + 0.3 * grain(shape, 3.0, rng)
    thickness = np.clip(depth / 15, 0, 1) * rng.uniform(-0.15, 0.15)
    scene = 0.45 + halo - rng.uniform(0.2, 0.6) * appearance.membrane_contrast * rim + thickness
    return np.asarray(scene + appearance.texture * granules, np.float32)


def _paint_organelles(
    blobs: NDArray[np.int32], depth: FloatArray, appearance: Appearance, rng: np.random.Generator
) -> FloatArray:
    """Paint dark bodies with layered insides on an EM-like ground that has membranes of its own."""
    shape = blobs.shape
    ground = 0.72 + 0.05 * smooth_field(shape, (30.0, 30.0), rng)
    ground += appearance.texture * grain(shape, appearance.texture_scale, rng)
    for scale in (appearance.radius * 2.5, appearance.radius * 0.8):
        walls = np.abs(smooth_field(shape, (scale, scale), rng)) * scale / appearance.membrane_width
        ground -= rng.uniform(0.1, 0.5) * np.exp(-(walls**2)) * (depth < -1)
    layers = np.sin(smooth_field(shape, (appearance.radius, appearance.radius), rng) * rng.uniform(4, 12))
    body = _per_object(blobs, 0.3, rng.uniform(0.35, 0.58), rng) + rng.uniform(0.0, 0.1) * layers
    body = body + appearance.texture * grain(shape, appearance.texture_scale, rng) - 0.15 * (depth < 2.5)
    if rng.random() < 0.4:
        grains = smooth_field(shape, (appearance.radius * 0.4, appearance.radius * 0.4), rng) > 1.6
        body = np.where(grains & (depth > 3), rng.uniform(0.75, 0.95), body)
    return np.asarray(np.where(blobs > 0, body, ground), np.float32)


_PAINTERS: dict[CellKind, _Painter] = {
    CellKind.FLUORESCENCE: _paint_fluorescence,
    CellKind.STAINED: _paint_stained,
    CellKind.PHASE: _paint_phase,
    CellKind.ORGANELLES: _paint_organelles,
}
