"""Where a tile may be annotated beside those that are."""

from __future__ import annotations

from collections.abc import Iterable

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


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
