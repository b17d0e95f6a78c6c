"""Look at an image before any work is put into it."""

from __future__ import annotations

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.io.sampling import no_data_at_all, pixels_with_data, sample_tiles
from napari_graft.io.volume import Volume


def check_image(volume: Volume, rng: np.random.Generator, *, max_pixels: int = 4_000_000) -> None:
    """Read random tiles, or all of a small image, and refuse an image that cannot be segmented.

    Raises
    ------
    InputError
        If a pixel is NaN or infinite, or all pixels read are equal or hold no data.
    """
    low, high = np.inf, -np.inf
    for tile in sample_tiles(volume, rng, max_pixels=max_pixels):
        pixels = pixels_with_data(volume, tile)
        if pixels.size:
            low, high = min(low, float(pixels.min())), max(high, float(pixels.max()))
    if low > high:
        raise InputError(no_data_at_all(volume))
    if low == high:
        raise InputError(f"all pixels read from {volume.name} are {low:g}: give an image with some contrast")
