"""Read noise of a detector."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST_DEVIATION = 0.1


def read_noise(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with Gaussian noise of a standard deviation of ``0.1 strength``, alike everywhere."""
    return image + np.float32(_LARGEST_DEVIATION * strength) * rng.standard_normal(image.shape, np.float32)
