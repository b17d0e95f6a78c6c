"""Defocus: each point becomes a disk, or a ring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.imaging.faults.fault import Image

_LARGEST_RADIUS = 4.0
_HOLE = 0.6


def defocus(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image under a disk with a radius of ``4 strength`` pixels, or under a ring of it by chance.

    Far from focus geometrical optics holds, and a point becomes the image of the aperture: a disk, or the
    ring of a phase contrast condenser, whose hole has 60 % of the radius.
    """
    from scipy.ndimage import convolve

    kernel = _kernel(_LARGEST_RADIUS * strength, _HOLE if rng.random() < 0.5 else 0.0)
    return np.asarray(convolve(image, kernel.reshape((1,) * (image.ndim - 2) + kernel.shape)), np.float32)


def _kernel(radius: float, hole: float) -> NDArray[np.float32]:
    """Return a disk less a hole of a share of its radius, with edges as smooth as pixels allow; sum 1."""
    reach = int(np.ceil(radius))
    steps = np.arange(-reach, reach + 1)
    distance = np.hypot(steps[:, None], steps[None])
    disk = np.clip(radius + 0.5 - distance, 0, 1)
    if hole * radius > 1:
        disk -= np.clip(hole * radius + 0.5 - distance, 0, 1)
    return np.asarray(disk / disk.sum(), np.float32)
