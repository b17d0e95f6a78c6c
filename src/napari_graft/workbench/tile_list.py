"""The tiles to go through as the window shows them, kept on the disk with every change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_graft.core.tile import Tile
from napari_graft.project.queue import QueuedTile, TileQueue, merged_queue
from napari_graft.workbench.annotating_state import AnnotatingState
from napari_graft.workbench.queue_files import QueueFiles, StoredQueue, Thumbnails
from napari_graft.workbench.suggesting import TileChoice


class QueueEditor:
    """Editor of the queue, whose changes the files follow.

    Parameters
    ----------
    state
        Shows the queue.
    files
        Reads and writes it.
    """

    thumbnails_made = Signal()

    def __init__(self, state: AnnotatingState, files: QueueFiles) -> None:
        self._state = state
        self._files = files
        self.thumbnails: dict[Tile, NDArray[np.uint8]] = {}

    def find(self, tile: Tile) -> QueuedTile:
        """Return what is known of a tile, whether it is in the list or not."""
        return self._state.queue.find(tile) or QueuedTile(start=tile.start, shape=tile.shape)

    def change(self, tile: Tile, **changes: object) -> None:
        """Change fields of a tile; one that is not in the list is added."""
        self.replace(self._state.queue.with_tile(tile, **changes))

    def replace(self, queue: TileQueue) -> None:
        """Take another list, where it is another."""
        if queue != self._state.queue:
            self._show(queue)
            self._files.store(queue)

    def take(self, choice: TileChoice) -> None:
        """Add what was suggested."""
        annotated = [queued.tile for queued in self._state.queue.tiles if queued.state == "done"]
        queue = merged_queue(self._state.queue, choice.suggestions, annotated)
        self._state.candidates = choice.candidates.candidates
        self._show(queue)
        self._files.store(queue, choice)

    def clear(self) -> None:
        """Show no tiles any more; the files stay."""
        self._state.queue, self._state.candidates = TileQueue(), ()
        self.thumbnails = {}

    def read(self, on_read: Callable[[], None]) -> None:
        """Show the tiles of the project."""

        def take(stored: StoredQueue) -> None:
            self._state.candidates = stored.candidates.candidates
            self._state.budget = max(self._state.budget, stored.queue.n_done + stored.queue.n_to_do)
            self._show(stored.queue)
            on_read()

        self._files.read(take)

    def _show(self, queue: TileQueue) -> None:
        self._state.queue = queue
        missing = [queued.tile for queued in queue.tiles if queued.tile not in self.thumbnails]
        if missing:
            self._files.thumbnails(missing, self._on_thumbnails)

    def _on_thumbnails(self, made: Thumbnails) -> None:
        self.thumbnails.update(made)
        self.thumbnails_made.emit()
