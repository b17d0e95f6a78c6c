"""Let the worker segment a tile with several models, and bring the result to the window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.jobs.builtin.preview import PreviewResult
from napari_graft.project.project import Project
from napari_graft.workbench.compare.comparison import (
    Comparison,
    ModelOption,
    load_comparison,
    preview_request,
)
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob


class Previewer:
    """Maker of comparisons, one after the other.

    Parameters
    ----------
    context
        What the window shares.
    name
        Of the file in the project's cache that holds the latest one.
    """

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._name = name

    def start(
        self,
        title: str,
        choices: tuple[ModelOption, ...],
        tile: Tile,
        *,
        on_done: Callable[[Comparison], None],
        on_ended: Callable[[], None],
    ) -> None:
        """Segment a tile with each model.

        Parameters
        ----------
        on_done
            Takes the comparison; not called when the job failed, was stopped, or another project is open now.
        on_ended
            Called in any case, last.

        Raises
        ------
        InputError
            If no project is open.
        """
        project = self._context.require_project()

        def read(result: PreviewResult) -> None:
            self._read(project, Path(result.path), choices, tile, on_done).ended.connect(on_ended)

        request = preview_request(project, choices, tile, self._name)
        job = self._context.run_job(request, read, title=title)
        job.ended.connect(lambda: None if job.state.status == "done" else on_ended())

    def _read(
        self,
        project: Project,
        path: Path,
        choices: tuple[ModelOption, ...],
        tile: Tile,
        on_done: Callable[[Comparison], None],
    ) -> RunningJob[Comparison]:
        def task(report: Report, cancel: CancelToken) -> Comparison:
            return load_comparison(project, path, choices, tile)

        def take(comparison: Comparison) -> None:
            if self._context.project is project:
                on_done(comparison)

        return self._context.jobs.start("Reading the result", task, lane="files", on_done=take)
