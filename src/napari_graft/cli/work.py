"""How a command has its work done: by a worker process, as a window has."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from napari_graft.cli.console import progress

if TYPE_CHECKING:
    from napari_graft.jobs.base import Request

A = TypeVar("A", bound=BaseModel)


def run_in_worker(request: Request[A]) -> A:
    """Have a job done, show its progress, and return the answer; Ctrl+C cancels it.

    A command asks a worker, as a window does: a library that crashes, runs out of memory or does not answer
    to Ctrl+C then ends the worker, and the person gets words.
    """
    from napari_graft.engine import client

    with client.Engine() as engine, progress() as (report, cancel):
        return engine.run(request, report=report, cancel=cancel)
