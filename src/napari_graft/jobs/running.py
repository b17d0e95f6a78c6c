"""Run a job in this process: in the worker of a window or a command, or where a script asks for it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from napari_graft.core.process import resident_megabytes
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.jobs.base import Access, Request, Work
from napari_graft.jobs.registry import JOBS
from napari_graft.project.opening import open_delegate, open_project
from napari_graft.project.project import Project
from napari_graft.session.notebook import default_report
from napari_graft.sources.catalogue import Catalogue

A = TypeVar("A", bound=BaseModel)


def run_job(request: Request[A], report: Report | None = None, cancel: CancelToken | None = None) -> A:
    """Do what a request asks for in this process, and return the answer.

    Parameters
    ----------
    request
        Such as ``napari_graft.jobs.builtin.train.TrainRequest(project="cortex.graft", source="best")``. The
        project is opened as the job needs it.
    report
        Hears how far it is; where it is left out, a notebook shows a bar, and a script nothing.
    cancel
        The wish to stop, None where there will be none.

    Raises
    ------
    InputError, StorageError, Cancelled
        As the job raises them.
    """
    job, report, cancel = JOBS.of(request), report or default_report(), cancel or CancelToken()
    if job.access == "write":  # what learns takes memory that a person wants to see
        report = _with_memory(report, getattr(request, "device", "auto"))
    with _open(request, job.access) as project:
        return job.run(request, Work(Catalogue(), report, cancel, project))


def _open(request: Request[Any], access: Access) -> AbstractContextManager[Project | None]:
    if access == "none":
        return nullcontext()
    folder: str = request.project  # type: ignore[attr-defined]  # of all requests with access to a project
    if access == "read":
        return open_project(folder)
    is_delegate = getattr(request, "is_delegate", False)
    return open_delegate(folder) if is_delegate else open_project(folder, write=True)


def _with_memory(report: Report, device: str) -> Report:
    """Add the memory that the work takes: that of the GPU where it runs there."""
    from napari_graft.nets.device import choose_device

    is_on_gpu = choose_device(device).type == "cuda"

    def report_with_memory(state: Progress) -> None:
        memory = _gpu_megabytes() if is_on_gpu else resident_megabytes()
        known = {} if memory is None else {"memory_mb": memory}
        report(replace(state, metrics={**state.metrics, **known}))

    return report_with_memory


def _gpu_megabytes() -> float:
    import torch

    return torch.cuda.memory_reserved() / 2**20
