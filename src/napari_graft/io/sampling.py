"""Random tiles that together stand for a volume that is too large to be read."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.volume import Volume

SAMPLE_WIDTH = 256


def sample_tiles(volume: Volume, rng: np.random.Generator, *, max_pixels: int) -> Iterator[Tile]:
    """Yield tiles of one slice with about `max_pixels` pixels in all; every pixel if there are no more."""
    shape = volume.shape
    tile_shape = (1,) * (len(shape) - 2) + tuple(min(n, SAMPLE_WIDTH) for n in shape[-2:])
    if prod(shape) <= max_pixels:
        yield from TileGrid(shape, ((1,) * (len(shape) - 2) + shape[-2:]))
        return
    for _ in range(max(max_pixels // prod(tile_shape), 1)):
        start = (int(rng.integers(n - t + 1)) for n, t in zip(shape, tile_shape, strict=True))
        yield Tile(tuple(start), tile_shape)


def pixels_with_data(volume: Volume, tile: Tile) -> NDArray[np.float32]:
    """Return the grey values of a tile, one after the other, without pixels that hold no data."""
    pixels, has_data = volume.read_with_gaps(tile)
    return pixels.ravel() if has_data is None else pixels[has_data]


def no_data_at_all(volume: Volume) -> str:
    """Return in words that a volume holds nothing, and what to do."""
    return (
        f"all pixels read from {volume.name} are {volume.no_data:.9g}, which its file says stands for no "
        "data: give another image, or save it anew without that entry (GDAL_NODATA)"
    )
