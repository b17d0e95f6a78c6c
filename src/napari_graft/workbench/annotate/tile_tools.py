"""Change tiles as a whole: clear, refill, take out of those that are done, add one, import labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from psygnal import Signal

from napari_graft.annotation.journal import JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import MaskMeaningError
from napari_graft.core.labels import UNLABELLED
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.io.labels import MaskMeaning
from napari_graft.session.annotation import annotate_from_labels, user_name
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.annotate.tile_painting import TilePainting
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob


class TileFiles:
    """Reader and writer of tiles that does not keep the window waiting.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def note(self, what: str, tile: Tile, model: str | None = None) -> None:
        """Write into the journal what was done with a tile."""
        project = self._context.require_project()
        entry = JournalEntry(who=user_name(), what=what, model=model, details=_place(tile))
        self._context.jobs.start(
            "Noting it in the journal",
            lambda report, cancel: project.journal.append(entry),
            lane="files",
            on_done=lambda _: None,
            must_finish=True,
        )

    def withdraw(self, tile: Tile, on_done: Callable[[LabelledTile], None]) -> RunningJob[LabelledTile]:
        """Let an accepted tile be a draft again."""
        project, drafts = self._context.require_project(), self._context.drafts

        def work(report: Report, cancel: CancelToken) -> LabelledTile:
            drafts.flush()  # what was painted on it a moment ago
            return project.withdraw(tile, who=user_name())

        def take(taken: LabelledTile) -> None:
            if self._context.project is project:
                on_done(taken)

        return self._context.jobs.start(
            "Taking the tile out", work, lane="files", on_done=take, must_finish=True
        )

    def import_labels(
        self,
        path: Path,
        tiles: Sequence[Tile],
        mask: MaskMeaning | None,
        on_done: Callable[[list[LabelledTile] | MaskMeaningError, Path], None],
    ) -> None:
        """Accept tiles with the labels of a file, as the command ``annotate`` does."""
        project = self._context.require_project()

        def work(report: Report, cancel: CancelToken) -> list[LabelledTile] | MaskMeaningError:
            try:
                labels = open_labels(path, mask=mask)
                return annotate_from_labels(project, labels, tiles)
            except MaskMeaningError as error:
                return error

        def take(found: list[LabelledTile] | MaskMeaningError) -> None:
            if self._context.project is project:
                on_done(found, path)

        self._context.jobs.start("Importing labels", work, lane="files", on_done=take, must_finish=True)


def _place(tile: Tile) -> dict[str, str | int | float | bool | None]:
    return {"start": str(tile.start), "shape": str(tile.shape)}


_JUST_BEGUN = 0.1
"""Seconds of a tile that a person wants, so that no suggestion takes its place."""


class TileTools:
    """Changes tiles as a whole; what is taken away can be brought back.

    Parameters
    ----------
    context
        What the window shares.
    model
        Holds the tiles and the one that is open.
    """

    mask_asked = Signal(Path)
    """Asks what a mask of several pieces is: `import_labels` is to be called again with the answer."""

    def __init__(self, context: Context, model: AnnotatingModel) -> None:
        self._context = context
        self._model = model
        self._files = TileFiles(context)
        self._before: TilePainting | None = None
        model.state.events.painting.connect(self._on_painting)

    def clear(self) -> None:
        """Make all of the open tile unlabelled."""
        painting = self._model.painting_to_judge()
        labels = self._model.open_tile.labels
        if painting is None or labels is None:
            return
        if not labels.any():
            self._model.refused.emit("this tile is empty already: there is nothing to clear")
            return
        empty = np.full(painting.tile.shape, UNLABELLED, np.uint32)
        self._put(replace(painting, labels=empty, begun=None, beneath=None), "Cleared.")
        self._files.note("clear tile", painting.tile, painting.model)

    def refill(self) -> None:
        """Put the guess wherever nobody has painted on the open tile."""
        painting = self._model.painting_to_judge()
        labels = self._model.open_tile.labels
        if painting is None or labels is None:
            return
        if painting.guess is None:
            self._model.refused.emit("no model has looked at this tile yet: use a source in the tab Sources")
        elif painting.is_sparse:
            self._model.refused.emit(
                "strokes are painted without the guess: choose Whole tile to begin with it"
            )
        else:
            filled = painting.refilled(labels)
            if np.array_equal(filled.labels, labels):
                self._model.refused.emit("there is nothing to refill: clear the tile first to begin anew")
                return
            self._put(replace(filled, model=self._model.model_in_use()), "Refilled from the guess.")
            self._files.note("refill tile", painting.tile, self._model.model_in_use())

    def take_back(self) -> None:
        """Undo the last `clear` or `refill` of the open tile."""
        before, self._before = self._before, None
        self._model.state.can_take_back = False
        if before is None or before.tile != self._model.state.current:
            self._model.refused.emit("there is nothing to take back on this tile")
            return
        self._model.show(before)
        self._model.told.emit("Brought back.")

    def withdraw(self) -> None:
        """Take the open tile out of those that are done; what is painted on it stays on it."""
        painting = self._model.painting_to_judge()
        if painting is None:
            return
        if self._model.tiles.find(painting.tile).state != "done":
            self._model.refused.emit("this tile is not done: there is nothing to take out")
            return
        self._model.state.is_saving = True
        job = self._files.withdraw(painting.tile, self._on_withdrawn)
        job.ended.connect(lambda: setattr(self._model.state, "is_saving", False))

    def _on_withdrawn(self, taken: LabelledTile) -> None:
        self._model.state.is_saving = False
        self._model.tiles.change(taken.tile, state="to do", seconds=_JUST_BEGUN, sparse=not taken.complete)
        self._model.open_tile.become_draft(taken.tile)
        self._context.tiles_changed.emit()
        self._model.told.emit("Taken out of the painted tiles. What is painted stays; Done accepts it again.")

    def paint_here(self, tile: Tile) -> None:
        """Add a tile of the user's own and open it, or open the one that is there."""
        queue = self._model.state.queue
        centre = Tile(
            tuple(a + n // 2 for a, n in zip(tile.start, tile.shape, strict=True)), (1,) * tile.ndim
        )
        met = [queued for queued in queue.tiles if queued.tile.overlaps(tile)]
        there = next((queued for queued in met if queued.tile.overlaps(centre)), None)
        if there is not None:
            self._model.go_to(there.tile)
            self._model.told.emit("There is a tile here already: it is open now.")
            return
        if any(not queued.is_untouched for queued in met):
            self._model.refused.emit(
                "a tile that was painted or judged reaches in here: move the view until it is outside"
            )
            return
        for queued in met:
            queue = queue.without(queued.tile)
        queue = queue.with_tile(tile, reason="chosen by you", seconds=_JUST_BEGUN)
        self._model.tiles.replace(queue)
        state = self._model.state
        state.budget = max(state.budget, queue.n_done + queue.n_to_do)
        self._files.note("add tile", tile)
        self._context.tiles_changed.emit()
        self._model.go_to(tile)

    def import_labels(self, path: Path, mask: MaskMeaning | None = None) -> None:
        """Accept the tiles to do on which nobody has painted, with the labels that a file has there.

        Parameters
        ----------
        mask
            As in `open_labels`.
        """
        self._model.labels_wanted.emit()
        queue = self._model.state.queue
        tiles = [queued.tile for queued in queue.tiles if queued.is_untouched]
        if self._model.open_tile.is_touched:
            tiles = [tile for tile in tiles if tile != self._model.state.current]
        if not tiles:
            self._model.refused.emit(
                "there is no tile to do on which nobody has painted: suggest some, or press Paint here"
            )
            return
        self._files.import_labels(path, tiles, mask, self._on_imported)

    def _on_imported(self, found: list[LabelledTile] | MaskMeaningError, path: Path) -> None:
        if isinstance(found, MaskMeaningError):
            self.mask_asked.emit(path)
            return
        queue = self._model.state.queue
        for one in found:
            queue = queue.with_tile(one.tile, state="done", sparse=not one.complete, model=None)
        self._model.tiles.replace(queue)
        self._context.note_saved()
        self._context.tiles_changed.emit()
        self._model.look_anew()
        tiles = "1 tile" if len(found) == 1 else f"{len(found)} tiles"
        self._model.told.emit(f"Labels of {tiles} are imported.")

    def _put(self, painting: TilePainting, words: str) -> None:
        open_tile = self._model.open_tile
        assert open_tile.painting is not None and open_tile.labels is not None
        self._before = replace(open_tile.painting, labels=open_tile.labels, origin="draft")
        self._model.show(replace(painting, origin="draft"))
        self._model.state.can_take_back = True
        self._model.told.emit(words)

    def _on_painting(self, painting: TilePainting | None) -> None:
        if self._before is not None and (painting is None or painting.tile != self._before.tile):
            self._before = None
            self._model.state.can_take_back = False
