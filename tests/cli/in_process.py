"""The work of commands in the process of the test, which spares the start of a worker."""

from __future__ import annotations

from napari_graft.core.progress import CancelToken, Report
from napari_graft.jobs.base import A, Request
from napari_graft.jobs.running import run_job


class EngineHere:
    """Do in this process what the worker process does."""

    def __enter__(self) -> EngineHere:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def run(self, request: Request[A], *, report: Report, cancel: CancelToken) -> A:
        return run_job(request, report, cancel)
