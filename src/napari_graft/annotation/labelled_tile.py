"""A tile with what a person painted on it, where it may lie, and which pixels are held out to judge."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED
from napari_graft.core.tile import Tile

Role = Literal["part", "train", "validation"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTile:
    """The labels of a tile, in the annotation convention.

    Parameters
    ----------
    tile
        Where in the image.
    labels
        (*tile.shape) uint32: 0 unlabelled, 1 background, 2… objects.
    complete
        Whether every pixel is labelled.
    round
        Round of annotation that it belongs to, from 0.
    role
        ``"part"``: a part of it is kept apart for validation; ``"train"`` and ``"validation"``: the whole
        tile serves that one use. The store decides it when a tile is accepted for the first time.
    """

    tile: Tile
    labels: NDArray[np.uint32]
    complete: bool = True
    round: int = 0
    role: Role = "part"

    def __post_init__(self) -> None:
        if self.labels.dtype != np.uint32:
            raise InputError(f"labels of {self.labels.dtype} cannot be stored: convert them to uint32")
        if self.labels.shape != self.tile.shape:
            raise InputError(
                f"labels of shape {self.labels.shape} do not fit the tile at {self.tile.start} of shape "
                f"{self.tile.shape}: give one label for each pixel"
            )
        if self.round < 0:
            raise InputError(f"round {self.round} must not be negative: count rounds from 0")
        n_unlabelled = np.count_nonzero(self.labels == UNLABELLED)
        if self.complete and n_unlabelled:
            raise InputError(
                f"the tile at {self.tile.start} has {n_unlabelled} unlabelled pixels "
                "but is said to be complete: label them, or accept it as incomplete"
            )


def check_place(tile: Tile, annotated: Iterable[Tile]) -> None:
    """Refuse a tile that cannot be annotated beside others.

    Raises
    ------
    InputError
        If it lies partly at negative positions or at another level, overlaps another tile without being the
        same, or has other axes.
    """
    if min(tile.start) < 0 or tile.level != 0:
        raise InputError(
            f"the tile at {tile.start} of level {tile.level} cannot be annotated: "
            "annotate at full resolution, inside the image"
        )
    for other in annotated:
        if other.ndim != tile.ndim:
            raise InputError(
                f"the tile at {tile.start} has {tile.ndim} axes where the annotated ones have "
                f"{other.ndim}: annotate tiles of this image"
            )
        if is_met(other, tile):
            raise InputError(
                f"the tile at {tile.start} of shape {tile.shape} overlaps the annotated one at "
                f"{other.start} of shape {other.shape}: paint that one anew, or choose another place"
            )


def is_met(tile: Tile, new: Tile) -> bool:
    """Say whether a tile is another one than a new one, and overlaps it."""
    return tile != new and tile.ndim == new.ndim and tile.overlaps(new)


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
