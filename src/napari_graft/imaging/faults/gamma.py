"""A display curve that was applied to the pixels."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST = 2.2


def gamma(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``image ** g`` with g = 2.2 ** strength or its inverse by chance, 2.2 being that of screens."""
    sign = 1 if rng.random() < 0.5 else -1
    return np.clip(image, 0, 1) ** np.float32(_LARGEST ** (sign * strength))
