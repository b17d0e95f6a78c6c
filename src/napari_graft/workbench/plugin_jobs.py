"""Jobs that no tab has a model for, as those of plugins: whether one runs, how far it is, why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from psygnal import Signal, SignalGroupDescriptor
from pydantic import ValidationError

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.jobs.base import A, Job
from napari_graft.jobs.registry import plugin_jobs
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob

NO_PROJECT = "Start a project first, in the tab Data."


@dataclass(slots=True, weakref_slot=True)
class JobModelState:
    """What a window shows of a job.

    Parameters
    ----------
    is_running
        Whether it is under way or waits for its turn.
    fraction
        Share that is done, 0 to 1, None while that is not known.
    message
        The step under way, or how it ended.
    answer
        What it came to last, None before that.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    is_running: bool = False
    fraction: float | None = None
    message: str = ""
    answer: Any = None


class JobModel(Generic[A]):
    """Any job of a window: begin it, follow it, stop it.

    Parameters
    ----------
    context
        What the window shares.
    job
        The kind of job.
    """

    refused = Signal(str)
    """What cannot be done, in words."""

    def __init__(self, context: Context, job: Job[A]) -> None:
        self._context = context
        self.job = job
        self.state = JobModelState()
        self._running: RunningJob[A] | None = None

    def start(self, **fields: object) -> None:
        """Begin with these fields of the request; the project of the window is filled in."""
        if self.state.is_running:
            self.refused.emit(f"{self.job.title} is under way: let it end, or stop it")
            return
        known = self.job.request.model_fields
        if "project" in known:
            project = self._context.project
            if project is None:
                self.refused.emit(NO_PROJECT)
                return
            fields["project"] = str(project.folder)
        if "is_delegate" in known:  # the window holds the project
            fields["is_delegate"] = True
        try:
            request = self.job.request.model_validate(fields)
        except ValidationError as error:
            self.refused.emit("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors()))
            return
        self.state.is_running, self.state.fraction, self.state.message = True, None, ""
        self._running = self._context.run_job(request, self._on_done, on_progress=self._on_progress)
        self._running.ended.connect(self._on_ended)

    def cancel(self) -> None:
        """Ask it to stop."""
        if self._running is not None:
            self._running.cancel()

    def _on_progress(self, progress: Progress) -> None:
        self.state.message = progress.message
        self.state.fraction = progress.done / progress.total if progress.total else None

    def _on_done(self, answer: A) -> None:
        self.state.answer = answer

    def _on_ended(self) -> None:
        running, self._running = self._running, None
        self.state.is_running = False
        status = "" if running is None else running.state.status
        self.state.message = running.state.error if running is not None and running.state.error else status


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
