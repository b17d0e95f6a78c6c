"""Small pictures of tiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io import Volume

SIDE = 64


def make_thumbnail(volume: Volume, tile: Tile) -> NDArray[np.uint8]:
    """Return the middle slice of a tile in grey, `SIDE` pixels at the longer side, its contrast stretched.

    Reads the tile: not for the thread of a window.
    """
    if tile.ndim == 3:
        middle = tile.start[0] + tile.shape[0] // 2
        tile = Tile((middle, *tile.start[1:]), (1, *tile.shape[1:]))
    grey = volume.read(tile).reshape(tile.shape[-2:])
    step = max(1, -(-max(grey.shape) // SIDE))
    rows, columns = (n // step * step for n in grey.shape)
    # The mean of squares of pixels: every nth pixel alone would show the noise.
    small = grey[:rows, :columns].reshape(rows // step, step, columns // step, step).mean((1, 3))
    low, high = np.percentile(small, (1, 99))
    scaled = (small - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(255 * np.clip(scaled, 0, 1), np.uint8)
