"""Random tiles that together stand for a volume that is too large to be read."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

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
