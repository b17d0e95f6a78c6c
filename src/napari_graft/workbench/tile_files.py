"""Tiles on the disk that are changed as a whole, on the lane of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_graft.annotation.journal import JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import MaskMeaningError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.io.masks import MaskMeaning
from napari_graft.session.annotating import annotate_from_labels, user_name
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
