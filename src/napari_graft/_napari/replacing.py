"""Show the same image from another file in the layer that showed it before."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_graft._napari.lazy import lazy_pixels
from napari_graft.io import Volume

if TYPE_CHECKING:
    import dask.array


def show_volume(image: Image, volume: Volume) -> None:
    """Let a layer show the pixels of a volume; it keeps its axes of one pixel and its number of levels."""
    pixels = lazy_pixels(volume)
    if not image.multiscale:
        image.data = pixels.reshape(image.data.shape)
        return
    shapes = [level.shape for level in image.data]
    image.data = [_thinned(pixels.reshape(shapes[0]), shape) for shape in shapes]


def _thinned(pixels: dask.array.Array, shape: tuple[int, ...]) -> dask.array.Array:
    """Return a level of this shape, by leaving pixels out."""
    steps = (slice(None, None, ceil(n / m)) for n, m in zip(pixels.shape, shape, strict=True))
    level: dask.array.Array = pixels[tuple(steps)]
    return level
