"""Dead and hot pixels of a camera."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_SHARE = 0.01


def dead_and_hot_pixels(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with single pixels black or white, 1 % of them at strength 1, the same in all planes.

    Real cameras have up to a tenth of that, old and cooled badly.
    """
    drawn = rng.random(image.shape[-2:])
    half = _SHARE * strength / 2
    return np.where(drawn < half, np.float32(0), np.where(drawn > 1 - half, np.float32(1), image))
