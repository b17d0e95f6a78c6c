"""Closing of projects without keeping the window waiting."""

from __future__ import annotations

import threading
import time

from napari_graft.annotation.draft_writer import DraftWriter
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.project.project import Project
from napari_graft.workbench.jobs import JobRunner

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
