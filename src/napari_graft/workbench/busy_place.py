"""Where in what is seen there is something to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io import Volume

_MOST_ALONG_AN_AXIS = 5
_FINE = 2.0
"""Standard deviation, in pixels, below which structure counts as noise."""


def busiest_tile(volume: Volume, view: Tile, shape: Sequence[int]) -> Tile:
    """Return the tile of a shape, inside `view`, with most structure.

    Structure is the mean slope of the smoothed image. At most 25 tiles are read.
    """
    tiles = tiles_over(view, shape)
    return tiles[0] if len(tiles) == 1 else max(tiles, key=lambda tile: structure(volume.read(tile)))


def tiles_over(view: Tile, shape: Sequence[int]) -> list[Tile]:
    """Return tiles of a shape, spread evenly over a view, the middle one first; one where it is no larger."""
    lengths = [min(a, b) for a, b in zip(shape, view.shape, strict=True)]
    starts = []
    for first, length, n in zip(view.start, lengths, view.shape, strict=True):
        n_places = min(_MOST_ALONG_AN_AXIS, 1 + int(np.ceil(2 * (n - length) / length)))
        places = np.linspace(0, n - length, n_places) if n_places > 1 else np.array([(n - length) / 2])
        middle = (n - length) / 2
        starts.append([first + round(at) for at in sorted(places, key=lambda at: abs(at - middle))])
    grid = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(starts))
    return [Tile(tuple(map(int, start)), tuple(lengths)) for start in grid]


def structure(image: NDArray[np.float32]) -> float:
    """Return the mean slope of an image, smoothed so that noise counts for little."""
    from scipy.ndimage import gaussian_gradient_magnitude  # not where the window opens: it takes a while

    slices = image.reshape(-1, *image.shape[-2:])
    return float(np.mean([gaussian_gradient_magnitude(one, _FINE).mean() for one in slices]))
