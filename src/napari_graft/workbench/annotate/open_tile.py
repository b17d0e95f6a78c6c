"""The one tile that is open for painting: what is on it now, kept stroke by stroke, and the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from napari_graft.core.labels import UNLABELLED
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.annotate.tile_history import TileHistory
from napari_graft.workbench.annotate.tile_painting import Labels, TilePainting
from napari_graft.workbench.context import Context

LONGEST_PAUSE = 30.0
"""Seconds without a stroke that still count as painting: looking closely takes that long."""


class PaintingClock:
    """Sum of the time between signs of life, each gap up to `LONGEST_PAUSE`.

    Parameters
    ----------
    now
        Returns seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._latest = now()
        self.seconds = 0.0
        """Time painted since the clock was started."""

    def start(self) -> None:
        """Begin anew: a tile comes into view."""
        self._latest, self.seconds = self._now(), 0.0

    def touch(self) -> None:
        """Take note that somebody painted just now."""
        now = self._now()
        self.seconds += min(now - self._latest, LONGEST_PAUSE)
        self._latest = now


class OpenTile:
    """The open tile, every change of which goes to the writer of drafts.

    Parameters
    ----------
    context
        What the window shares.
    clock
        Measures how long is painted.
    """

    def __init__(self, context: Context, clock: PaintingClock | None = None) -> None:
        self._context = context
        self._clock = clock or PaintingClock()
        self._labels: Labels | None = None
        self._history: TileHistory | None = None
        self._being_saved: Labels | None = None
        self.painting: TilePainting | None = None
        self.is_touched = False
        """Whether somebody has painted on the tile since it was opened."""

    @property
    def labels(self) -> Labels | None:
        """What is on the tile now; not to be changed."""
        return self._labels

    @property
    def n_unlabelled(self) -> int:
        """Number of pixels without a label."""
        return 0 if self._labels is None else int(np.count_nonzero(self._labels == UNLABELLED))

    def put(self, painting: TilePainting | None) -> None:
        """Open a tile in place of the one before, with what can be undone on it."""
        self.painting = painting
        self._labels = None if painting is None else painting.labels
        self._history = None if painting is None else _history_of(painting)
        self.is_touched = False
        self._clock.start()

    def show(self, painting: TilePainting) -> None:
        """Show other labels on the tile that is open: what was painted on it, in another form."""
        self.painting, self._labels = painting, painting.labels
        self._history = TileHistory(painting.labels)
        if self.is_touched or painting.origin == "draft":
            self._keep(painting.tile, painting.labels)

    def become_draft(self, tile: Tile) -> None:
        """Take note that the open tile, where it is this one, is accepted no longer."""
        if self.painting is not None and self.painting.tile == tile:
            self.painting = replace(self.painting, origin="draft")

    def has_work_on(self, tile: Tile) -> bool:
        """Say whether this tile is open and somebody has painted on it, now or before."""
        painting = self.painting
        return painting is not None and painting.tile == tile and (self.is_touched or not painting.is_new)

    def take_guess(self, painting: TilePainting) -> TilePainting:
        """Return the open tile with what is painted on it, and with the guess of `painting`."""
        assert self.painting is not None and self._labels is not None
        # What lies beneath strokes was of the guess before.
        self.painting = replace(self.painting, labels=self._labels, guess=painting.guess, beneath=None)
        return self.painting

    def begin_saving(self) -> None:
        """Take note that what is on the tile now is being accepted."""
        self._being_saved = self._labels

    def has_kept_still(self, tile: Tile) -> bool:
        """Say whether this tile is open and nobody has painted on it since it began to be saved.

        What was painted meanwhile is handed to the writer again: with the tile its draft was discarded.
        """
        if self.painting is None or self.painting.tile != tile or self._labels is None:
            return False
        # What is accepted is right, whoever put it there.
        self.painting = replace(self.painting, begun=None, beneath=None)
        if self._labels is self._being_saved:
            return True
        self._keep(tile, self._labels)
        return False

    def note(self, tile: Tile, labels: Labels) -> bool:
        """Take over what is on a tile now; say whether it changed.

        Called often, on the thread of the window: nothing but a comparison where nothing changed, and a copy
        where something did. The disk is the writer's business.
        """
        project, painting = self._context.project, self.painting
        if project is None or painting is None or painting.tile != tile or self._labels is None:
            return False
        if np.array_equal(labels, self._labels):
            return False
        self._change(painting, labels.copy())
        if self._history is not None:
            self._history.add(self._labels)
        return True

    def undo(self) -> Edit | None:
        """Take back what was done last on the tile; return what does that, None where there is nothing."""
        return None if self._history is None else self._go(self._history, self._history.undo())

    def redo(self) -> Edit | None:
        """Do again what was undone last on the tile; return it, None where there is nothing."""
        return None if self._history is None else self._go(self._history, self._history.redo())

    def _go(self, history: TileHistory, edit: Edit | None) -> Edit | None:
        if edit is not None and self.painting is not None:
            self._change(self.painting, history.labels)
        return edit

    def _change(self, painting: TilePainting, labels: Labels) -> None:
        self._labels = labels
        self.is_touched = True
        self._clock.touch()
        self._keep(painting.tile, labels)

    def take_seconds(self) -> float:
        """Return how long was painted since the tile was opened or this was last asked."""
        if self.is_touched:
            self._clock.touch()
        seconds = self._clock.seconds
        self._clock.start()
        return seconds

    def _keep(self, tile: Tile, labels: Labels) -> None:
        """Let the writer write a state of a tile, with what the tile began with."""
        project = self._context.project
        if project is None or self.painting is None:
            return
        begun = self.painting.begun
        if begun is None:
            begun = np.full(tile.shape, UNLABELLED, np.uint32)
        self._context.drafts.submit(project.draft(tile), labels, begun)


def _history_of(painting: TilePainting) -> TileHistory:
    """Return what can be undone on a tile; nothing where what is on it is not what the disk had last."""
    history = painting.history
    if history is None or not np.array_equal(history.labels, painting.labels):
        return TileHistory(painting.labels)
    return history
