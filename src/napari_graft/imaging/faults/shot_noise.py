"""Shot noise: too few photons or electrons."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_FEWEST = 25.0


def shot_noise(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``Poisson(n image) / n`` with ``n = 25 / strength²``, the number of photons that make white."""
    # Beyond a million the noise is less than a thousandth, and numpy draws no numbers that large.
    n = _FEWEST / max(strength, 0.005) ** 2
    return np.asarray(rng.poisson(np.clip(image, 0, 1) * n) / n, np.float32)
