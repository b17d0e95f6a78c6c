"""Charging: an electron beam charges what does not conduct."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_LARGEST = 0.5
_HALO = 0.5
_N_SMEARS = (2, 5)


def charging(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with two to four smears along the scan lines, most of them bright, 0.5 at most.

    Charge changes how many electrons leave a spot and decays while the beam scans on to the right, so that a
    smear begins at once and fades; around it is a halo of half that strength and the other sign.
    """
    height, width = image.shape[-2:]
    rows, columns = np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]
    charge = np.zeros((height, width), np.float32)
    for _ in range(rng.integers(*_N_SMEARS)):
        sign = 1.0 if rng.random() < 0.75 else -1.0
        thickness = max(1.0, height * rng.uniform(0.01, 0.04))
        tail = max(1.0, width * rng.uniform(0.1, 0.4))
        off, along = rows - height * rng.random(), columns - width * rng.random()
        fading = np.where(along < 0, np.exp(-((along / thickness) ** 2)), np.exp(-np.abs(along) / tail))
        core, halo = (np.exp(-((off / (k * thickness)) ** 2) / 2) for k in (1, 3))
        charge += np.float32(sign) * (core - _HALO * (halo - core)) * fading
    return image + np.float32(_LARGEST * strength) * charge
