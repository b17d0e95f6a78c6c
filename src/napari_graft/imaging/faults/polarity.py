"""Polarity: dark and bright have changed places."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image


def polarity(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return ``1 - image`` at any strength: a negative, or back-scattered beside transmitted electrons."""
    return 1 - image
