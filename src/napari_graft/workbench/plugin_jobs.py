"""The jobs that plugins bring to a window."""

from __future__ import annotations

from typing import Any

from psygnal import Signal

from napari_graft.core.progress import CancelToken, Report
from napari_graft.jobs.base import Job
from napari_graft.jobs.registry import plugin_jobs
from napari_graft.workbench.context import Context
from napari_graft.workbench.job_model import JobModel


class PluginJobsModel:
    """A model for each job of a plugin. Plugins are looked for in the background, once a project is open.

    Parameters
    ----------
    context
        What the window shares.
    """

    found = Signal()
    """There are jobs of plugins."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._was_asked = False
        self.models: tuple[JobModel[Any], ...] = ()
        context.hear(context.project_changed, self._look)

    def _look(self) -> None:
        if self._was_asked or self._context.project is None:
            return
        self._was_asked = True

        def look(report: Report, cancel: CancelToken) -> tuple[Job[Any], ...]:
            return tuple(plugin_jobs().values())

        self._context.jobs.start("Looking for plugins", look, lane="files", on_done=self._take)

    def _take(self, jobs: tuple[Job[Any], ...]) -> None:
        self.models = tuple(JobModel(self._context, job) for job in jobs)
        if self.models:
            self.found.emit()
