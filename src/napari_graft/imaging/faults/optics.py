"""Faults of the optics: uneven illumination, vignetting, blur, defocus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.imaging.faults.fault import Image
from napari_graft.samples.shapes import smooth_field

_LARGEST_LOSS = 1.2


def uneven_illumination(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image exp(-1.2 strength f)``, f a smooth field from 0 to 1, about two hills across the image.

    At strength 1 the darkest place has 30 % of the light of the brightest, as with a lamp or laser out of
    line: multiplicative, as in Smith et al. 2015, Nature Methods 12:404 (CIDRE).
    """
    shape = image.shape[-2:]
    field = smooth_field(shape, [max(1.0, n / 2) for n in shape], rng)
    field -= field.min()
    field /= max(float(field.max()), 1e-6)
    return np.asarray(image * np.exp(-_LARGEST_LOSS * strength * field), np.float32)


_OFF_CENTRE = 0.1


def vignetting(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image / (1 + strength r²)²``, r the distance from the optical axis, 1 in the corners.

    That is the law of cos⁴ for a lens that sees the corners at 45° at strength 1: they keep a quarter of
    the light. The axis lies near the middle.
    """
    height, width = image.shape[-2:]
    along, across = (
        np.linspace(-1, 1, n, dtype=np.float32) + np.float32(rng.uniform(-_OFF_CENTRE, _OFF_CENTRE))
        for n in (height, width)
    )
    # Each side reaches from -1 to 1: the corners have r² = 1 for a square and for a strip.
    r2 = (along[:, None] ** 2 + across[None] ** 2) / 2
    return np.asarray(image / (1 + strength * r2) ** 2, np.float32)


_LARGEST_SIGMA = 2.0


def blur(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image under a Gaussian with a standard deviation of ``2 strength`` pixels.

    A Gaussian is near the Airy pattern of a microscope in focus: Zhang, Zerubia, Olivo-Marin 2007, Applied
    Optics 46:1819.
    """
    from scipy.ndimage import gaussian_filter

    sigma = _LARGEST_SIGMA * strength
    return np.asarray(gaussian_filter(image, (0.0,) * (image.ndim - 2) + (sigma, sigma)), np.float32)


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
