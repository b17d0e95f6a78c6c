"""The tiles to go through, on the disk: read and written on the lane of files, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.project.project import Project
from napari_graft.project.queue import QueuedTile, TileQueue, merged_queue
from napari_graft.session.annotating import next_round, user_name
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.painting import Labels, TilePainting, read_painting
from napari_graft.workbench.suggesting import CandidateList, TileChoice, read_candidates, store_candidates
from napari_graft.workbench.thumbnails import make_thumbnail

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
