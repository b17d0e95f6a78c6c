"""A tile with what a person painted on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
