"""What one row of the list of tiles shows."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtGui import QPixmap

from napari_graft.project.queue import QueuedTile


@dataclass(frozen=True, slots=True, eq=False)
class TileRow:
    """What one row shows.

    Parameters
    ----------
    queued
        The tile.
    number
        As on the canvas, from 1.
    is_current
        Whether it is the tile that is painted now.
    picture
        None until it is made.
    """

    queued: QueuedTile
    number: int
    is_current: bool
    picture: QPixmap | None
