"""What all parts of one window share: the open project, the sources, the jobs, the worker processes.

A project is closed in the background, without keeping the window waiting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from psygnal import Signal, SignalInstance

from napari_graft.annotation.draft_writer import DraftWriter
from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.engine.client import Engine
from napari_graft.jobs.base import A, Request
from napari_graft.jobs.registry import JOBS
from napari_graft.project.project import Project
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.failures import Failures
from napari_graft.workbench.jobs import Deliver, JobRunner, Lane, RunningJob

_LOOK_SECONDS = 0.1


class ProjectCloser:
    """Closes projects in threads, each once all that is still to be written is on the disk.

    Until then nobody else may write to such a project, however slow the disk is.

    Parameters
    ----------
    jobs, drafts
        What writes.
    """

    def __init__(self, jobs: JobRunner, drafts: DraftWriter) -> None:
        self._jobs = jobs
        self._drafts = drafts
        self._threads: list[threading.Thread] = []

    def close(self, project: Project) -> None:
        """Close a project soon."""
        thread = threading.Thread(target=self._finish, args=(project,), name="leaving a project", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all projects are closed, `timeout` seconds at most; say whether they are."""
        ends = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            thread.join(None if ends is None else max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wait_as_job(self, report: Report, cancel: CancelToken) -> None:
        """Wait as part of a job, which says so and can be stopped.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        while not self.wait(_LOOK_SECONDS):
            cancel.raise_if_cancelled()
            report(Progress(0, None, "waiting until the project before is saved"))

    def _finish(self, project: Project) -> None:
        self._jobs.settle()
        self._drafts.flush()
        project.close()


_LOOKS: tuple[Lane, ...] = ("ranking", "short")
"""Lanes of what only looks at the image, each with a worker: nobody waits for a ranking to see a tile."""
_GRACE = 1.5
"""Seconds that worker processes, and what is still to be written, have when the window closes."""


class Context:
    """What all models of one window share: the open project, and what works for it.

    Parameters
    ----------
    deliver
        Brings callbacks to the thread of the window.
    catalogue
        Where sources are looked up.
    """

    project_closing = Signal()
    """Asks for what is still to be kept, before the project is closed."""
    project_changed = Signal()
    tiles_changed = Signal()
    runs_changed = Signal()
    saved = Signal()
    draft_failed = Signal(str)

    def __init__(self, deliver: Deliver, catalogue: Catalogue | None = None) -> None:
        self.failures = Failures()
        self.jobs = JobRunner(deliver, self.failures)
        self.catalogue = catalogue or Catalogue()
        self._deliver = deliver
        self.drafts = DraftWriter(on_saved=self._on_draft_saved, on_error=self._on_draft_failed)
        self.closing = ProjectCloser(self.jobs, self.drafts)
        self.saved_at: float | None = None
        self._project: Project | None = None
        self._is_closed = False
        # The window comes first: what works in the background gets a lower priority. For a look and for a
        # ranking somebody waits: at a niceness of 5 they get a third of the share that other programs have.
        self._engines: dict[Lane, Engine] = {
            "long": Engine(niceness=10),
            "ranking": Engine(niceness=1),
            "short": Engine(niceness=1),
        }

    def hear(self, signal: SignalInstance, answer: Callable[..., object]) -> None:
        """Answer to a signal; where the answer fails the user is told, and the others hear it still."""
        signal.connect(self.failures.guarded(answer))

    @property
    def project(self) -> Project | None:
        """The open project, for writing."""
        return self._project

    def require_project(self) -> Project:
        """Return the open project.

        Raises
        ------
        InputError
            If there is none.
        """
        if self._project is None:
            raise InputError("no project is open: start one in the tab Data")
        return self._project

    def take(self, project: Project) -> None:
        """Make `project`, which is open for writing, the one of this window, and leave the one before."""
        self._release()
        self._project = project
        self.project_changed.emit()

    def close_project(self) -> None:
        """Leave the project, so that others can write to it soon; jobs that work on it are stopped.

        See `closing`: nobody waits for the disk here.
        """
        self._release()
        self.project_changed.emit()

    def run_job(
        self,
        request: Request[A],
        on_done: Callable[[A], None],
        *,
        title: str = "",
        on_progress: Callable[[Progress], None] | None = None,
    ) -> RunningJob[A]:
        """Let the worker process of its lane do what a request asks for.

        A project that was closed meanwhile hears nothing, and of a short job nor does one whose image is
        described in another way by now.

        Parameters
        ----------
        request
            What is asked for.
        on_done
            Takes the answer.
        title
            What a person reads, by default the title of the job.
        on_progress
            Hears how far it is.
        """
        job = JOBS.of(request)
        lane: Lane = job.lane
        engine, project = self._engines[lane], self._project
        manifest = None if project is None else project.manifest

        def task(report: Report, cancel: CancelToken) -> A:
            try:
                return engine.run(request, report=report, cancel=cancel)
            finally:
                if lane == "ranking":  # it is seldom asked for, and a worker kept warm takes memory
                    engine.rest()

        def take(result: A) -> None:
            is_as_before = lane not in _LOOKS or project is None or project.manifest == manifest
            if self._project is project and is_as_before:
                on_done(result)

        return self.jobs.start(title or job.title, task, lane=lane, on_done=take, on_progress=on_progress)

    def cancel_looks(self) -> None:
        """Stop ranking, suggestions and previews: what the image is like has changed."""
        for job in self.jobs.active:
            if job.lane in _LOOKS:
                job.cancel()

    def process_id(self, lane: Lane) -> int | None:
        """Return the id of the worker process of a lane, None while there is none."""
        engine = self._engines.get(lane)
        return None if engine is None else engine.process_id

    def note_saved(self) -> None:
        """Remember that something is on the disk now."""
        self.saved_at = time.monotonic()
        self.saved.emit()

    def _on_draft_saved(self, _: datetime) -> None:
        self._deliver(self.note_saved)

    def _on_draft_failed(self, error: GraftError) -> None:
        message = f"what you paint cannot be saved: {error}"
        self._deliver(lambda: self.draft_failed.emit(message))

    def close(self) -> None:
        """Stop everything, within two seconds, and let others write to the project."""
        self._ask_for_the_rest()
        self._is_closed = True
        self.jobs.close()
        closing = [
            threading.Thread(target=engine.close, args=(_GRACE,), name="closing an engine")
            for engine in self._engines.values()
        ]
        for thread in closing:
            thread.start()
        ends = time.monotonic() + _GRACE
        self.jobs.settle(_GRACE)
        self.drafts.close(max(0.0, ends - time.monotonic()))
        self.closing.wait(max(0.0, ends - time.monotonic()))
        for thread in closing:
            thread.join()
        if self._project is not None:
            self._project.close()
            self._project = None

    def _release(self) -> None:
        if self._project is None:
            return
        self._ask_for_the_rest()
        self.jobs.cancel()
        project, self._project = self._project, None
        self.saved_at = None
        self.closing.close(project)

    def _ask_for_the_rest(self) -> None:
        if self._project is not None and not self._is_closed:
            self.project_closing.emit()
