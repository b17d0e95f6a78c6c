"""The geometry of generated cell images: separate or touching, round or irregular objects on free ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.samples.ellipse import Ellipse, box_around, pixel_positions
from napari_graft.samples.fields import smooth_field
from napari_graft.samples.look import Appearance, CellKind


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
