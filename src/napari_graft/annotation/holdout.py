"""Which labelled pixels are trained on, and which are kept apart to judge the training."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile, Role
from napari_graft.core.labels import UNLABELLED
from napari_graft.core.tile import Tile

N_TILES_IN_PARTS = 9
"""So many tiles give a part each; from the next on, whole tiles are kept apart."""
EVERY = 5
"""Of the whole tiles, each so many-th is kept apart."""


class PixelSplit(NamedTuple):
    """Split of the labelled pixels of a tile; no pixel is in both masks, no unlabelled pixel in either."""

    labelled_tile: LabelledTile
    train_mask: NDArray[np.bool_]
    validation_mask: NDArray[np.bool_]


def role_of(n_accepted: int) -> Role:
    """Return the use of the tile that is accepted after `n_accepted` others.

    It is fixed at that moment and stored: were it to depend on how many tiles there are now, a pixel that was
    trained on in one round could judge the training in the next.
    """
    if n_accepted < N_TILES_IN_PARTS:
        return "part"
    return "validation" if n_accepted % EVERY == EVERY - 1 else "train"


def held_out_part(tile: Tile) -> Tile | None:
    """Return the part of a tile that is kept apart, None where the tile is a single pixel in y and x.

    It is a corner of half the height and half the width (a quarter of the tile, through all its z), large
    enough to hold whole objects. Which corner depends on the tile's position alone, so that it stays the same
    in each round and when the tile is painted anew.
    """
    shape = tuple(max(n // 2, 1) for n in tile.shape[-2:])
    if shape == tile.shape[-2:]:
        return None
    corner = zlib.crc32(repr(tile.start).encode())
    start = tuple(
        tile.start[axis] + (corner >> bit & 1) * (tile.shape[axis] - n)
        for bit, axis, n in zip((0, 1), (-2, -1), shape, strict=True)
    )
    return Tile(tile.start[:-2] + start, tile.shape[:-2] + shape, tile.level)


def split_holdout(labelled_tiles: Sequence[LabelledTile]) -> list[PixelSplit]:
    """Part the labelled pixels of each tile into those to train on and those kept apart.

    Tiles do not overlap, and the split of each depends on its position and its stored role only. So a pixel
    that is in a train mask in one round is in no validation mask in any other, and the other way round.
    """
    return [_split(labelled_tile) for labelled_tile in labelled_tiles]


def _split(labelled_tile: LabelledTile) -> PixelSplit:
    tile = labelled_tile.tile
    held_out = np.full(tile.shape, labelled_tile.role == "validation")
    part = held_out_part(tile)
    if labelled_tile.role == "part" and part is not None:
        held_out[part.shift([-a for a in tile.start]).slices] = True
    labelled = labelled_tile.labels != UNLABELLED
    return PixelSplit(labelled_tile, labelled & ~held_out, labelled & held_out)
