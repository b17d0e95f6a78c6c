"""Generated images of myelinated axons in cross-section, as electron microscopes show them."""

from __future__ import annotations

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
from napari_graft.samples.shapes import (
    Ellipse,
    FloatArray,
    box_around,
    grain,
    pixel_positions,
    smooth_field,
)

_SHARE_OF_RADIUS = 0.6
"""Radius of a usual axon, in that of a usual neurite."""
_LARGEST = 3.5
"""Radius of the largest axon, in usual radii."""


def generate_myelin(
    shape: tuple[int, int], rng: np.random.Generator, appearance: Appearance | None = None
) -> GeneratedImage:
    """Generate a (y, x) image of axons in their sheaths; the objects are the axons without the myelin.

    An appearance of None draws one at random; of it the radius, that of a usual axon, and waviness and
    texture count, and what the instrument does.
    """
    appearance = appearance or random_appearance(rng)
    fibres, reach = draw_fibres(shape, appearance, rng)
    thickness = rng.uniform(0.5, 0.8, int(fibres.max()) + 1).astype(np.float32)[fibres]
    is_axon = (fibres > 0) & (reach < thickness)
    scene = _paint(fibres, reach / thickness, is_axon, appearance, rng)
    axons = np.where(is_axon, fibres, 0).astype(np.int32)
    truth = connected_truth(np.where(touching_edges(axons), 0, axons).astype(np.int32)[None])[0]
    return GeneratedImage(photograph(scene[None], appearance, rng)[0], truth)


def draw_fibres(
    shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator
) -> tuple[NDArray[np.int32], FloatArray]:
    """Draw fibres, the largest first, as close as they come; 0 is what lies between them.

    Returns
    -------
    fibres
        (y, x), the number of each fibre.
    reach
        (y, x), how far from its middle a pixel of a fibre lies, 1 on the outline of the fibre.
    """
    knots = (appearance.radius, appearance.radius)
    bend = 0.15 * appearance.radius * appearance.waviness
    dy, dx = (bend * smooth_field(shape, knots, rng) for _ in range(2))
    fibres = np.zeros(shape, np.int32)
    reach = np.ones(shape, np.float32)
    gap = rng.uniform(1.0, 1.15)
    for number, ellipse in enumerate(_place(shape, appearance, rng), start=1):
        box = box_around(ellipse.y, ellipse.x, 2 * ellipse.long, shape)
        rows, columns = pixel_positions(box)
        distance = ellipse.distance(rows + dy[box], columns + dx[box]) * gap
        is_won = distance < reach[box]
        fibres[box][is_won] = number
        reach[box][is_won] = distance[is_won]
    return fibres, reach


def _place(shape: tuple[int, int], appearance: Appearance, rng: np.random.Generator) -> list[Ellipse]:
    spread, fill = rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.9)
    usual = 1.5 * _SHARE_OF_RADIUS * appearance.radius  # with its sheath
    n_tried = int(12 * fill * np.prod(shape) / (np.pi * usual**2))
    radii = usual * np.clip(np.exp(rng.normal(0, spread, n_tried)), 0.3, _LARGEST)
    placed: list[Ellipse] = []
    taken = np.zeros((0, 3))
    area = 0.0
    for radius in np.sort(radii)[::-1]:
        y, x = rng.uniform(-radius / 2, np.asarray(shape) + radius / 2)
        # the large ones leave room for the small ones
        if area > fill * np.prod(shape) * min(1.0, 0.5 + 0.5 * usual / radius) or (
            taken.size and _runs_into(taken, y, x, radius)
        ):
            continue
        long = radius * float(1 + rng.exponential(0.15))
        placed.append(Ellipse(y, x, radius**2 / long, long, rng.uniform(0, np.pi)))
        taken = np.vstack([taken, [y, x, radius]])
        area += np.pi * radius**2
    return placed


def _runs_into(taken: NDArray[np.float64], y: float, x: float, radius: float) -> bool:
    apart = np.hypot(taken[:, 0] - y, taken[:, 1] - x)
    return bool((apart < 0.95 * (taken[:, 2] + radius)).any())


def _paint(
    fibres: NDArray[np.int32],
    reach: FloatArray,
    is_axon: NDArray[np.bool_],
    appearance: Appearance,
    rng: np.random.Generator,
) -> FloatArray:
    """Paint dark sheaths around lighter axons, with what lies in the axons and between the fibres."""
    shape = fibres.shape
    ground = _ground(shape, appearance, rng)
    sheath = rng.uniform(0.05, 0.3) + 0.06 * rng.uniform(0, 1) * np.sin(reach * rng.uniform(20, 60))
    inside = rng.uniform(0.55, 0.95, int(fibres.max()) + 1).astype(np.float32)[fibres]
    if rng.random() < 0.5:  # axons as dark as what surrounds the fibres, or darker
        inside = inside * rng.uniform(0.6, 1.0)
    inside = inside + rng.uniform(0.5, 1.5) * appearance.texture * grain(shape, appearance.texture_scale, rng)
    inside = np.where(_spots(shape, appearance, rng) & (reach < 0.8), inside - rng.uniform(0.1, 0.4), inside)
    cleft = (np.abs(reach - 1.15) < 0.05) & (smooth_field(shape, (12.0, 12.0), rng) > rng.uniform(0.3, 2.5))
    sheath = np.where(cleft, inside, sheath)
    return np.asarray(np.where(is_axon, inside, np.where(fibres > 0, sheath, ground)), np.float32)


def _ground(shape: tuple[int, ...], appearance: Appearance, rng: np.random.Generator) -> FloatArray:
    """Paint what lies between fibres: grey matter of fine processes, cracks and patches."""
    ground = rng.uniform(0.4, 0.85) + 0.05 * smooth_field(shape, (30.0, 30.0), rng)
    scale = appearance.radius * rng.uniform(0.4, 1.2)
    walls = np.abs(smooth_field(shape, (scale, scale), rng)) * scale / appearance.membrane_width
    ground = ground - rng.uniform(0.0, 0.35) * np.exp(-(walls**2))
    ground = ground + appearance.texture * grain(shape, appearance.texture_scale, rng)
    if rng.random() < 0.3:
        ground = np.where(smooth_field(shape, (50.0, 50.0), rng) > 0.8, rng.uniform(0.1, 1.0), ground)
    return np.asarray(ground, np.float32)


def _spots(shape: tuple[int, ...], appearance: Appearance, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark where mitochondria and vesicles lie."""
    scale = max(3.0, 0.35 * appearance.radius)
    field = ndimage.gaussian_filter(smooth_field(shape, (scale, scale), rng), 0.5)
    return np.asarray(field > rng.uniform(1.2, 3.0))
