"""How a command has its work done, by a worker process; and a command for each job of a plugin."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import App, Group, Parameter
from pydantic import BaseModel

from napari_graft.cli.console import print_json, progress
from napari_graft.cli.types import Json

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_graft.jobs.base import Job, Request


A = TypeVar("A", bound=BaseModel)


def run_in_worker(request: Request[A]) -> A:
    """Have a job done, show its progress, and return the answer; Ctrl+C cancels it."""
    return ask_worker(request)[0]


def ask_worker(request: Request[A]) -> tuple[A, bool]:
    """Return the answer to a request, and whether somebody wished to stop meanwhile.

    A command asks a worker, as a window does: a library that crashes, runs out of memory or does not answer
    to Ctrl+C then ends the worker, and the person gets words.
    """
    from napari_graft.engine import client

    with client.Engine() as engine, progress() as (report, cancel):
        return engine.run(request, report=report, cancel=cancel), cancel.is_cancelled


GROUP = Group("Of plugins", sort_key=90)


def add_plugin_jobs(app: App) -> None:
    """Add the commands of plugins; a command of this program keeps its name."""
    from napari_graft.jobs.registry import plugin_jobs

    known = set(app)
    for kind, job in plugin_jobs().items():
        if kind not in known:
            app.command(command_of(job), name=kind, group=GROUP)


def command_of(job: Job[Any]) -> Callable[..., None]:
    """Return a command whose options are the fields of a job's request."""
    from napari_graft.jobs.base import FILLED_IN

    fields = job.request.model_fields

    def command(*given: Any, **named: Any) -> None:
        bound = signature.bind(*given, **named)
        bound.apply_defaults()
        options = dict(bound.arguments)
        is_json = options.pop("json")
        if "project" in options:
            options["project"] = str(options["project"])
        answer = run_in_worker(job.request(**options))
        if is_json:
            print_json(answer.model_dump(mode="json"))
            return
        for name, value in answer.model_dump(mode="json").items():
            print(f"{name:12} {value}")

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=Annotated[field.annotation, Parameter(negative=())]
            if field.annotation is bool
            else field.annotation,
        )
        for name, field in fields.items()
        if name not in FILLED_IN
    ]
    project = inspect.Parameter("project", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Path)
    json = inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    whole = [*([project] if "project" in fields else []), *parameters, json]
    signature = inspect.Signature(whole)
    command.__signature__ = signature  # type: ignore[attr-defined]  # cyclopts reads it
    command.__doc__ = _help(job, [one.name for one in whole])
    return command


def _default(field: Any) -> Any:
    return inspect.Parameter.empty if field.is_required() else field.get_default(call_default_factory=True)


def _help(job: Job[Any], names: list[str]) -> str:
    from napari_graft.jobs.base import field_help

    told = field_help(job.request) | {"json": "Print one JSON document."}
    first = (inspect.getdoc(job.run) or job.title).splitlines()[0]
    options = "".join(f"{name}\n    {told.get(name, name)}\n" for name in names)
    return f"{first}\n\nParameters\n----------\n{options}"
