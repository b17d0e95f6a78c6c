"""Saturation: a detector set to too much contrast."""

from __future__ import annotations

import numpy as np

from napari_graft.imaging.faults.fault import Image

_WHITE, _BLACK = 0.5, 0.25
_PERCENTILES = (0.5, 50, 99.5)


def saturation(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Return the image with its bright end white and its dark end black.

    At strength 1 white begins half way from the brightest grey to the median, black a quarter of the way from
    the darkest to it: grey counts, not the number of pixels, so that few bright objects on dark ground stay.
    """
    low, middle, high = (float(grey) for grey in np.percentile(image, _PERCENTILES))
    black = low + _BLACK * strength * (middle - low)
    white = high - _WHITE * strength * (high - middle)
    if white - black < 1e-6:  # nothing but one grey
        return image
    return (image - np.float32(black)) / np.float32(white - black)
