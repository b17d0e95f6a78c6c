"""The command that trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cyclopts import Parameter

from napari_graft.cli.console import print_json
from napari_graft.cli.jobs import ask_worker
from napari_graft.cli.types import Device, Json, parse_duration
from napari_graft.core.errors import Cancelled

if TYPE_CHECKING:
    from napari_graft.jobs.base import ProjectRequest
    from napari_graft.project.pretrain_report import PretrainReport
    from napari_graft.project.reports import MergeReport, TrainReport

R = TypeVar("R", "TrainReport", "MergeReport", "PretrainReport")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Options of a training: how long and where.

    Parameters
    ----------
    time_budget
        For example 60s or 2m; 2m where neither a time nor steps are given.
    steps
        Number of steps.
    device
        Where to train; auto takes the GPU if there is one.
    seed
        Decides patches and augmentation.
    """

    time_budget: str | None = None
    steps: int | None = None
    device: Device = "auto"
    seed: int = 0

    @property
    def seconds(self) -> float | None:
        """The time budget, None where only the steps count."""
        if not self.time_budget and self.steps is not None:
            return None
        return parse_duration(self.time_budget or "2m")


TWO_MINUTES = TrainOptions()


def train(
    project: Path, *, source: str = "best", options: TrainOptions = TWO_MINUTES, json: Json = False
) -> None:
    """Train on the annotated tiles, within a budget; Ctrl+C stops and keeps the best so far.

    Example: `napari-graft train cortex.graft --source best --time-budget 2m`

    Parameters
    ----------
    project
        Folder of the project.
    source
        What to start from: best (first of the ranking), a source, PROJECT:RUN, latest, or scratch.
    options
        How long and where.
    json
        Print one JSON document.
    """
    from napari_graft.jobs.train import TrainRequest

    request = TrainRequest(
        project=str(project),
        source=source,
        seconds=options.seconds,
        steps=options.steps,
        device=options.device,
        seed=options.seed,
    )
    learn(request, tell_training, json=json)


def learn(request: ProjectRequest[R], tell: Callable[[R], None], *, json: bool) -> None:
    """Let a worker do a job that makes a run, and print what it came to, in words or as JSON.

    Raises
    ------
    Cancelled
        When it was stopped; what it has learned is kept and printed before.
    """
    from napari_graft.project.opening import open_project

    # A wrong path is told before the worker has loaded its libraries.
    open_project(request.project).close()
    report, is_cancelled = ask_worker(request)
    document = report.as_dict()
    if json:
        print_json(document)
    else:
        tell(report)
    if document["stopped_by"] == "cancel" or is_cancelled:
        raise Cancelled("stopped on request")


def tell_training(report: TrainReport) -> None:
    """Print what a training came to."""
    for name in ("run", "source", "n_tiles", "steps", "seconds", "device", "stopped_by"):
        print(f"{name:12} {getattr(report, name)}")
    for name, value in report.validation.items():
        print(f"  {name:18} {value:.4f}")
    if report.choice:
        print(report.choice)
    if report.note:
        print(f"note: {report.note}")
    if not report.kept and not report.note:
        print("The new model is worse on the held-out part than what it had to beat: that stays in use.")
