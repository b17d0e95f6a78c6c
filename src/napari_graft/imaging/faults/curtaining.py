"""Curtaining: streaks that an ion beam leaves behind hard spots."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image
from napari_graft.samples.fields import smooth_field

_LARGEST = 0.25
_WIDTHS = (2.5, 12.0)


def curtaining(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image exp(0.25 strength f)``, f of unit variance: streaks along y, thin and broad, that fade.

    The beam of a FIB-SEM mills along the face, unevenly behind what it cuts slowly. Every plane is milled
    anew.
    """
    height, width = image.shape[-2:]
    planes = image.reshape(-1, height, width)
    streaks = sum(
        smooth_field(planes.shape, (1.0, max(1.0, height / 2), thickness), rng) for thickness in _WIDTHS
    ) / np.sqrt(np.float32(len(_WIDTHS)))
    return np.asarray(image * np.exp(_LARGEST * strength * streaks).reshape(image.shape), np.float32)
