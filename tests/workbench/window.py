"""A window without a window: its thread is that of the test."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from pathlib import Path

from napari_graft.project.opening import open_project
from napari_graft.workbench.workbench import Workbench

PATIENCE = 120.0


class Window:
    """Hold a workbench, and run what it delivers when the test waits for something."""

    def __init__(self) -> None:
        self._callbacks: queue.Queue[Callable[[], None]] = queue.Queue()
        self.workbench = Workbench(self._callbacks.put)
        self.refusals: list[str] = []
        self.failures: list[str] = []
        for model in (self.workbench.sources, self.workbench.comparing):
            model.refused.connect(self.refusals.append)
        self.workbench.context.jobs.ended.connect(self._on_ended)

    def _on_ended(self, job: object) -> None:
        if job.state.status == "failed":  # type: ignore[attr-defined]  # a job
            self.failures.append(job.state.error)  # type: ignore[attr-defined]

    def open(self, folder: Path) -> None:
        """Open a project for writing, and wait for what that starts."""
        assert self.workbench.context.closing.wait(PATIENCE)
        self.workbench.context.take(open_project(folder, write=True))
        self.wait()

    def leave(self) -> None:
        """Close the project, and wait until others may write to it."""
        self.workbench.context.close_project()
        self.wait()
        assert self.workbench.context.closing.wait(PATIENCE)

    def wait(self) -> None:
        """Wait until no job is under way."""
        ends = time.monotonic() + PATIENCE
        while self.workbench.context.jobs.active or not self._callbacks.empty():
            assert time.monotonic() < ends, "it did not end in time"
            self.step()

    def step(self) -> None:
        """Run the next callback, unless there is none for a while."""
        try:
            self._callbacks.get(timeout=0.2)()
        except queue.Empty:
            return
