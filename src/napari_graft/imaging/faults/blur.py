"""Blur: a low aperture, or a specimen that moved."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST_SIGMA = 2.0


def blur(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image under a Gaussian with a standard deviation of ``2 strength`` pixels.

    A Gaussian is near the Airy pattern of a microscope in focus: Zhang, Zerubia, Olivo-Marin 2007, Applied
    Optics 46:1819.
    """
    from scipy.ndimage import gaussian_filter

    sigma = _LARGEST_SIGMA * strength
    return np.asarray(gaussian_filter(image, (0.0,) * (image.ndim - 2) + (sigma, sigma)), np.float32)
