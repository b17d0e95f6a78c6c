"""The command that trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import Parameter

from napari_graft.cli.console import print_json, progress
from napari_graft.cli.durations import parse_duration
from napari_graft.cli.types import Device, Json
from napari_graft.core.errors import Cancelled

if TYPE_CHECKING:
    from napari_graft.engine.protocol import MergeJob, TrainJob


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Effort:
    """Say how long and where to train.

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


TWO_MINUTES = Effort()


def train(project: Path, *, source: str = "best", effort: Effort = TWO_MINUTES, json: Json = False) -> None:
    """Train on the annotated tiles, within a budget; Ctrl+C stops and keeps the best so far.

    Example: `napari-graft train cortex.graft --source best --time-budget 2m`

    Parameters
    ----------
    project
        Folder of the project.
    source
        What to start from: best (first of the ranking), a source, PROJECT:RUN, latest, or scratch.
    effort
        How long and where.
    json
        Print one JSON document.
    """
    from napari_graft.engine.protocol import TrainJob

    job = TrainJob(
        project=str(project),
        source=source,
        seconds=effort.seconds,
        steps=effort.steps,
        device=effort.device,
        seed=effort.seed,
    )
    run_learning(job, tell_training, json=json)


def run_learning(job: TrainJob | MergeJob, tell: Callable[[dict[str, Any]], None], *, json: bool) -> None:
    """Let a worker do a job that makes a run, and print what it came to, in words or as JSON.

    Raises
    ------
    Cancelled
        When it was stopped; what it has learned is kept and printed before.
    """
    from napari_graft.engine.client import Engine
    from napari_graft.project.opening import open_project

    # A wrong path is told before the worker has loaded its libraries.
    open_project(job.project).close()
    with Engine() as engine, progress() as (report, cancel):
        result = engine.run(job, report=report, cancel=cancel)
    if json:
        print_json(result)
    else:
        tell(result)
    if result["stopped_by"] == "cancel" or cancel.is_cancelled:
        raise Cancelled("stopped on request")


def tell_training(result: dict[str, Any]) -> None:
    """Print what a training came to."""
    for name in ("run", "source", "n_tiles", "steps", "seconds", "device", "stopped_by"):
        print(f"{name:12} {result[name]}")
    validation = result["validation"]
    assert isinstance(validation, dict)
    for name, value in validation.items():
        print(f"  {name:18} {value:.4f}")
    if result["choice"]:
        print(result["choice"])
    if result["note"]:
        print(f"note: {result['note']}")
    if not result["kept"] and not result["note"]:
        print("The new model is worse on the held-out part than what it had to beat: that stays in use.")
