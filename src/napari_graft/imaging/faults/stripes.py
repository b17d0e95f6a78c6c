"""Stripes: lines of a scan that differ."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST = 0.07
_PERIODS = (4.0, 32.0)


def stripes(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with an offset for each row: chance and a hum of the mains, each 0.07 at strength 1.

    Chance has that standard deviation, the hum that amplitude and a period of 4 to 32 rows.
    """
    n_rows = image.shape[-2]
    chance = rng.standard_normal((*image.shape[:-1], 1), np.float32)
    turns = np.arange(n_rows) / rng.uniform(*_PERIODS) + rng.random()
    hum = np.sin(2 * np.pi * turns).astype(np.float32)[:, None]
    return image + np.float32(_LARGEST * strength) * (chance + hum)
