"""Vignetting: the corners of the field are dark."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

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
