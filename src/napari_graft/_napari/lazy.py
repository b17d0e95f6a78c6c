"""Arrays that are computed where napari looks at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_graft.core.tile import Tile
from napari_graft.io import Volume

if TYPE_CHECKING:
    import dask.array

PLANE_SIDE = 1024
"""Pixels that are read at once along y and x, at least; a plane on the screen then takes few reads."""


def lazy_pixels(volume: Volume) -> dask.array.Array:
    """Show a volume as an array with the channels last; nothing is read yet."""
    n_channels = () if volume.channel_axis is None else (volume.data.shape[volume.channel_axis],)
    return lazy_array(volume.read_raw, volume.shape, volume.dtype, _block_shape(volume), n_channels)


def lazy_array(
    read: Callable[[Tile], NDArray[Any]],
    shape: tuple[int, ...],
    dtype: DTypeLike,
    block_shape: tuple[int, ...],
    n_channels: tuple[int, ...] = (),
) -> dask.array.Array:
    """Show what `read` gives for a box as an array of `shape`, and behind it the channels."""
    from dask import array

    def block(block_info: dict[None, dict[str, list[tuple[int, int]]]]) -> NDArray[Any]:
        place = block_info[None]["array-location"][: len(shape)]
        return read(Tile(tuple(a for a, _ in place), tuple(b - a for a, b in place)))

    chunks = array.core.normalize_chunks((*block_shape, *n_channels), (*shape, *n_channels))
    empty = np.empty((0,) * (len(shape) + len(n_channels)), dtype)
    lazy: dask.array.Array = array.map_blocks(block, chunks=chunks, dtype=dtype, meta=empty)
    return lazy


def _block_shape(volume: Volume) -> tuple[int, ...]:
    """Return whole chunks of the file, several of them where they are small, so that none is read twice."""
    stored = getattr(volume.data, "chunks", None) or (1,) * volume.data.ndim
    chunk = [n for axis, n in enumerate(stored) if axis != volume.channel_axis]
    wanted = [1] * (len(chunk) - 2) + [PLANE_SIDE] * 2
    return tuple(
        min(n, own * -(-least // own)) for n, own, least in zip(volume.shape, chunk, wanted, strict=True)
    )
