"""What was proofread becomes annotated tiles of the next round, by one click."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.session.corrected_tiles import Proofread, accept_tiles, tiles_over
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.model import ProofreadingModel
from napari_graft.workbench.proofread.open_result import OpenResult

Annotated = list[tuple[Tile, NDArray[np.uint32]]]


class ProofreadTiles:
    """Makes annotated tiles of the result that is proofread; the user hears of what is on the disk.

    Parameters
    ----------
    context
        What the window shares.
    model
        The result that is corrected.
    annotating
        Holds the tiles.
    tile_side
        Returns the side of a tile, in pixels.
    """

    def __init__(
        self,
        context: Context,
        model: ProofreadingModel,
        annotating: AnnotatingModel,
        tile_side: Callable[[], int],
    ) -> None:
        self._context = context
        self._model = model
        self._annotating = annotating
        self._tile_side = tile_side

    @property
    def side(self) -> int:
        """Side of a tile, in pixels."""
        return self._tile_side()

    def take_view(self, tile: Tile) -> None:
        """Annotate a tile of the image with all objects in it; those that were skipped stay unlabelled."""
        self._annotating.labels_wanted.emit()
        if any(tile.overlaps(other) for other in self._taken()):
            self._model.refused.emit(
                "a tile that was painted or judged is here already: move the view until it is outside"
            )
            return
        self._model.work(lambda opened: [(tile, _proofread(opened).whole(tile))], self._accept)

    def take_checked(self) -> None:
        """Annotate tiles around all that was corrected, accepted or locked; the rest stays unlabelled."""
        self._annotating.labels_wanted.emit()
        taken, side = self._taken(), self._tile_side()

        def work(opened: OpenResult) -> Annotated:
            found = _proofread(opened)
            tiles = tiles_over(found.places(), found.region, side, taken)
            annotated = [(tile, found.looked_at(tile)) for tile in tiles]
            return [(tile, labels) for tile, labels in annotated if labels.any()]

        self._model.work(work, self._accept)

    def _taken(self) -> list[Tile]:
        """Return the tiles that somebody has annotated, painted or judged."""
        project, state = self._context.require_project(), self._annotating.state
        painted = [one.tile for one in state.queue.tiles if not one.is_untouched]
        if state.current is not None and self._annotating.open_tile.is_touched:
            painted.append(state.current)
        return [*project.annotations.tiles(), *painted]

    def _accept(self, annotated: Annotated) -> None:
        project, opened = self._context.require_project(), self._model.state.opened
        run = None if opened is None else opened.choice.run
        model = None if opened is None else opened.choice.model

        def work(report: Report, cancel: CancelToken) -> list[LabelledTile] | InputError:
            try:
                return accept_tiles(project, annotated, run=run)
            except InputError as error:
                return error

        def take(found: list[LabelledTile] | InputError) -> None:
            if self._context.project is not project:
                return
            if isinstance(found, InputError):
                self._model.refused.emit(str(found))
            else:
                self._on_accepted(found, model)

        self._context.jobs.start("Saving the tiles", work, lane="files", on_done=take, must_finish=True)

    def _on_accepted(self, found: list[LabelledTile], model: str | None) -> None:
        queue = self._annotating.state.queue
        for one in found:
            for met in [queued for queued in queue.tiles if queued.tile.overlaps(one.tile)]:
                queue = queue.without(met.tile)
            changes = {"state": "done", "sparse": not one.complete, "model": model, "reason": "proofread"}
            queue = queue.with_tile(one.tile, **changes)
        state = self._annotating.state
        self._annotating.tiles.replace(queue)
        state.budget = max(state.budget, queue.n_done + queue.n_to_do)
        self._context.note_saved()
        self._context.tiles_changed.emit()
        tiles = "1 tile is" if len(found) == 1 else f"{len(found)} tiles are"
        self._model.told.emit(f"{tiles} annotated for the next round: train in the tab Train.")


def _proofread(opened: OpenResult) -> Proofread:
    """Return what somebody has looked at of a result; reads its journal."""
    edits = tuple(opened.journal.edits())
    judged = {verdict: set[int]() for verdict in ("accepted", "fixed", "skipped")}
    for one in opened.checked:
        judged[one.verdict].update(one.ids)
    touched = set[int]().union(*(edit.ids for edit in edits)) - {0}
    checked = frozenset(touched | judged["accepted"] | judged["fixed"] | opened.objects.locked)
    doubtful = frozenset(judged["skipped"] - opened.objects.locked - touched)
    start = opened.choice.region.start
    return Proofread(opened.objects, start, checked, doubtful, edits, opened.choice.run)
