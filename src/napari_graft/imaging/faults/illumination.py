"""Uneven illumination."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image
from napari_graft.samples.fields import smooth_field

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
