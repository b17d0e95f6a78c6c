"""Faults at random, to train against."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import STRONG, Image
from napari_graft.imaging.faults.registry import FAULTS

_MOST = 3
_LEAST_STRENGTH = 0.1


def add_random_faults(image: Image, rng: np.random.Generator) -> Image:
    """Return an image with one to three faults of random kinds and strengths.

    Parameters
    ----------
    image
        Grey from 0 to 1, float32 (..., y, x).
    """
    names = list(FAULTS)
    chosen = rng.choice(len(names), rng.integers(1, _MOST + 1), replace=False)
    for index in sorted(chosen):  # a detector sees what the optics have done to it
        image = FAULTS[names[index]](image, rng.uniform(_LEAST_STRENGTH, STRONG), rng)
    return image
