"""The tiles to go through: as the tab Annotate shows them, and on the disk with every change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal, SignalGroupDescriptor

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.jobs.builtin.suggest import CandidateTile
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import QueuedTile, TileQueue, merged_queue
from napari_graft.session.annotation import next_round, user_name
from napari_graft.workbench.annotate.suggesting import (
    CandidateList,
    TileChoice,
    read_candidates,
    store_candidates,
)
from napari_graft.workbench.annotate.tile_painting import Labels, TilePainting, read_painting
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob

SIDE = 64


def make_thumbnail(volume: Volume, tile: Tile) -> NDArray[np.uint8]:
    """Return the middle slice of a tile in grey, `SIDE` pixels at the longer side, its contrast stretched.

    Reads the tile: not for the thread of a window.
    """
    if tile.ndim == 3:
        middle = tile.start[0] + tile.shape[0] // 2
        tile = Tile((middle, *tile.start[1:]), (1, *tile.shape[1:]))
    grey = volume.read(tile).reshape(tile.shape[-2:])
    step = max(1, -(-max(grey.shape) // SIDE))
    rows, columns = (n // step * step for n in grey.shape)
    # The mean of squares of pixels: every nth pixel alone would show the noise.
    small = grey[:rows, :columns].reshape(rows // step, step, columns // step, step).mean((1, 3))
    low, high = np.percentile(small, (1, 99))
    scaled = (small - low) / max(high - low, np.finfo(np.float32).tiny)
    return np.asarray(255 * np.clip(scaled, 0, 1), np.uint8)


_T = TypeVar("_T")
Thumbnails = Mapping[Tile, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class StoredQueue:
    """What a project knows of its tiles."""

    queue: TileQueue
    candidates: CandidateList


@dataclass(frozen=True, slots=True, eq=False)
class Acceptance:
    """What is accepted of a tile.

    Parameters
    ----------
    tile, labels
        Where, and what is painted there.
    model
        Source or run that the labels began with.
    seconds
        How long it was painted.
    """

    tile: Tile
    labels: Labels
    model: str | None
    seconds: float


class QueueFiles:
    """Reader and writer of the queue that does not keep the window waiting.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(self, on_done: Callable[[StoredQueue], None]) -> None:
        """Read the tiles as the command line and the window left them."""
        project = self._context.require_project()

        def work(report: Report, cancel: CancelToken) -> StoredQueue:
            annotated = project.annotations.tiles()
            queue = merged_queue(project.queue(), project.suggestions(), annotated)
            return StoredQueue(queue, read_candidates(project))

        self._start("Reading the tiles", project, work, on_done)

    def store(self, queue: TileQueue, choice: TileChoice | None = None) -> None:
        """Write the tiles, and what was suggested where that is new."""
        project = self._context.require_project()

        def work(report: Report, cancel: CancelToken) -> None:
            project.store_queue(queue)
            if choice is not None:
                project.store_suggestions(choice.suggestions)
                store_candidates(project, choice.candidates)

        self._start(
            "Saving the list of tiles", project, work, lambda _: self._context.note_saved(), must_finish=True
        )

    def read_painting(
        self,
        queued: QueuedTile,
        model: str | None,
        *,
        is_sparse: bool,
        on_done: Callable[[TilePainting], None],
    ) -> None:
        """Read what is on a tile."""
        project = self._context.require_project()

        def work(report: Report, cancel: CancelToken) -> TilePainting:
            self._context.drafts.flush()  # what was painted on it a moment ago
            return read_painting(project, queued, model, is_sparse=is_sparse)

        self._start("Opening the tile", project, work, on_done)

    def accept(self, accepted: Acceptance, on_done: Callable[[], None]) -> RunningJob[None]:
        """Accept a tile; `on_done` is called once it is safely on the disk."""
        project = self._context.require_project()
        is_complete = bool(np.all(accepted.labels))

        def work(report: Report, cancel: CancelToken) -> None:
            labelled = LabelledTile(accepted.tile, accepted.labels, is_complete, next_round(project))
            project.accept(labelled, who=user_name(), model=accepted.model, seconds=accepted.seconds)
            # A state that still waited for the writer would come back as a draft.
            self._context.drafts.discard(project.draft(accepted.tile))

        return self._start("Saving the tile", project, work, lambda _: on_done(), must_finish=True)

    def thumbnails(self, tiles: Sequence[Tile], on_done: Callable[[Thumbnails], None]) -> None:
        """Make small pictures of tiles."""
        project = self._context.require_project()

        def work(report: Report, cancel: CancelToken) -> Thumbnails:
            return {tile: make_thumbnail(project.volume, tile) for tile in tiles}

        self._start("Drawing the tiles", project, work, on_done)

    def _start(
        self,
        title: str,
        project: Project,
        work: Callable[[Report, CancelToken], _T],
        on_done: Callable[[_T], None],
        *,
        must_finish: bool = False,
    ) -> RunningJob[_T]:
        def take(result: _T) -> None:
            if self._context.project is project:  # else it was closed meanwhile
                on_done(result)

        return self._context.jobs.start(title, work, lane="files", on_done=take, must_finish=must_finish)


AT_ONCE = 4
"""Tiles that are suggested at a time: as many make a round of training worth its time."""
DEFAULT_BUDGET = 8


@dataclass(slots=True, weakref_slot=True)
class AnnotatingState:
    """State of the tab Annotate.

    Parameters
    ----------
    budget
        How many tiles the user means to paint in all.
    queue
        The tiles to go through.
    candidates
        The tiles among which was chosen last.
    current
        The tile that the user went to.
    painting
        What is open for painting; it follows `current` once that is read.
    is_sparse
        Whether strokes are painted rather than whole tiles.
    shows_guess, shows_uncertainty, shows_candidates
        What is drawn over the image.
    n_forgotten
        Unlabelled pixels of a tile that is to be accepted as whole, 0 where there is no question.
    can_take_back
        Whether the last change of the whole tile can be undone.
    is_suggesting, is_saving
        Whether tiles are being suggested, and a tile is being accepted.
    strategies
        Names of what can choose the tiles, none before a project was opened.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    budget: int = DEFAULT_BUDGET
    queue: TileQueue = field(default_factory=TileQueue)
    candidates: tuple[CandidateTile, ...] = ()
    current: Tile | None = None
    painting: TilePainting | None = None
    is_sparse: bool = False
    shows_guess: bool = True
    shows_uncertainty: bool = False
    shows_candidates: bool = False
    n_forgotten: int = 0
    can_take_back: bool = False
    is_suggesting: bool = False
    is_saving: bool = False
    strategies: tuple[str, ...] = ()

    @property
    def n_to_suggest(self) -> int:
        """How many tiles the next suggestion asks for, 0 where the budget is used up."""
        waiting = sum(queued.state in ("to do", "unsure") for queued in self.queue.tiles)
        return max(0, min(AT_ONCE, self.budget - self.queue.n_done - waiting))


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
