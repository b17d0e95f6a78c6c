"""The tiles of an image among which strategies choose."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def candidate_tiles(
    shape: Sequence[int], tile_shape: Sequence[int], rng: np.random.Generator, limit: int
) -> list[Tile]:
    """Return up to `limit` tiles of an image, spread evenly, none of which overlaps another.

    Along each axis there are as many whole tiles as fit, the first at the beginning and the last at the end
    of the image, with the pixels that are left over as gaps between them; a single one is in the middle. An
    axis shorter than the tile gives one tile as long as the axis. The same image always gives the same grid,
    so that annotated tiles of one round match the candidates of the next. Of more than `limit` tiles a random
    part is returned, in the order of the grid.

    Parameters
    ----------
    shape
        Shape of the image.
    tile_shape
        Shape of a tile; one axis fewer than the image has means tiles of a single slice, (1, y, x).
    rng
        What draws the part.
    limit
        Largest number of tiles, at least 1; the time does not depend on how many there are in all.

    Raises
    ------
    InputError
        If the numbers of axes do not fit, or a number is less than 1.
    """
    wanted = (1,) * (len(shape) - len(tile_shape)) + tuple(tile_shape)
    if len(wanted) != len(shape) or len(shape) - len(tile_shape) > 1 or min(*shape, *wanted) < 1 or limit < 1:
        raise InputError(
            f"cannot take {limit} tiles of {tuple(tile_shape)} from an image of {tuple(shape)}: give a tile "
            "with as many axes as the image, or one fewer, and a limit of at least 1"
        )
    clipped = tuple(min(length, bound) for length, bound in zip(wanted, shape, strict=True))
    starts = [_starts(bound, length) for bound, length in zip(shape, clipped, strict=True)]
    counts = tuple(len(along) for along in starts)
    total = prod(counts)
    flat = np.arange(total) if total <= limit else np.sort(rng.choice(total, limit, replace=False))
    indices = np.stack(np.unravel_index(flat, counts), axis=1)
    return [
        Tile(tuple(along[i] for along, i in zip(starts, index, strict=True)), clipped) for index in indices
    ]


def _starts(bound: int, length: int) -> list[int]:
    count = bound // length
    if count == 1:
        return [(bound - length) // 2]
    return [int(i * (bound - length) / (count - 1)) for i in range(count)]
