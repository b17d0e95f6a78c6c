"""The geometry of generated cell images: separate or touching, round or irregular objects on free ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.samples.fields import smooth_field
from napari_graft.samples.look import CellKind, Look


def draw_blobs(shape: tuple[int, int], look: Look, rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw ellipses, partly in clumps, through a random smooth displacement; 0 is the ground, the ids are 1…"""
    wobble = look.radius * look.waviness * (0.45 if look.cell_kind is CellKind.PHASE else 0.15)
    dy, dx = (wobble * smooth_field(shape, (look.radius * 1.2, look.radius * 1.2), rng) for _ in range(2))
    blobs = np.zeros(shape, np.int32)
    nearest = np.ones(shape, np.float32)
    centres = _centres(shape, look, rng)
    for index, (y, x) in enumerate(centres):
        short = look.radius * float(np.exp(rng.normal(0, 0.35 * look.size_spread)))
        long = short * (1 + rng.exponential(0.15 + 0.2 * look.elongation))
        _draw_ellipse(
            blobs, nearest, (dy, dx), (float(y), float(x), short, long, rng.uniform(0, np.pi), index + 1)
        )
    return blobs


def _centres(shape: tuple[int, int], look: Look, rng: np.random.Generator) -> NDArray[np.float64]:
    """Scatter centres, the first near the middle of the image, many of the others beside another one."""
    area = (shape[0] + look.radius) * (shape[1] + look.radius)
    n_centres = max(int(rng.uniform(0.1, 0.65) * area / (np.pi * look.radius**2 * 1.3)), 2)
    centres = rng.random((n_centres, 2)) * np.asarray(shape)
    centres[0] = (0.25 + 0.5 * rng.random(2)) * np.asarray(shape)
    clumping = rng.uniform(0.0, 0.7)
    for index in range(1, n_centres):
        if rng.random() < clumping:
            angle, distance = rng.uniform(0, 2 * np.pi), look.radius * rng.uniform(1.5, 2.4)
            beside = centres[int(rng.integers(index))]
            centres[index] = beside + distance * np.asarray([np.sin(angle), np.cos(angle)])
    apart = [0]
    for index in range(1, n_centres):
        if np.hypot(*(centres[apart] - centres[index]).T).min() > 1.2 * look.radius:
            apart.append(index)
    return np.asarray(centres[apart])


def _draw_ellipse(
    blobs: NDArray[np.int32],
    nearest: NDArray[np.float32],
    displacement: tuple[NDArray[np.float32], NDArray[np.float32]],
    ellipse: tuple[float, float, float, float, float, int],
) -> None:
    """Give the ellipse those pixels that lie in it and relatively nearer to its centre than to any drawn before."""
    y, x, short, long, angle, name = ellipse
    reach = int(long * 2) + 2
    top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
    box = (slice(top, max(int(y) + reach, 0)), slice(left, max(int(x) + reach, 0)))
    height, width = blobs[box].shape
    rows = np.arange(top, top + height)[:, None] - y + displacement[0][box]
    columns = np.arange(left, left + width)[None, :] - x + displacement[1][box]
    along = (rows * np.sin(angle) + columns * np.cos(angle)) / long
    across = (rows * np.cos(angle) - columns * np.sin(angle)) / short
    distance = along**2 + across**2
    is_mine = distance < nearest[box]
    blobs[box][is_mine] = name
    nearest[box][is_mine] = distance[is_mine]
