"""What a bridge to another modality is worth without a label. The benchmark ``bridging``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pydantic import Field
from scipy.stats import spearmanr

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.nets.device import choose_device
from napari_graft.session.models import model_of_source
from napari_graft.sources.catalogue import Catalogue
from napari_graft.studies.bridging.bench import BRIDGE, CEILING, PAINTED, SHUFFLED, BridgingBench
from napari_graft.studies.bridging.tasks import TASKS, BridgingTask
from napari_graft.studies.results import KeptResults

if TYPE_CHECKING:
    pass

NAME = "bridging"
BEST_VIEW = "best-view"
PROMISES = "suitability"
COLUMNS = (
    "as-it-is",
    BEST_VIEW,
    "histogram",
    "norm-statistics",
    "reconstruction",
    "information",
    "socket",
    "translator-in-socket",
    "tgmb",
    BRIDGE,
    SHUFFLED,
    PAINTED,
    CEILING,
)
PROCEDURE = 2
"""To be raised when the same way would give other numbers: at 1 the best view was a choice of polarity."""
AIM = 0.098
"""Gain in AP50 over the best view that the paper reports on its best data set."""


class BridgingRun(Document):
    """Result of one way of bridging in one task.

    Parameters
    ----------
    task, method, seed, steps
        What was asked for, by which it is known again.
    scores
        Of the target, by the keys of ``evaluate``; empty for what pairs promise.
    promise
        What the pairs promise, for `PROMISES`: what a translator and the best view explain, and whether they
        help.
    seconds, version
        How long it took, and with which version of napari-graft.
    procedure
        Which way of measuring it: results of another are measured anew.
    """

    task: str
    method: str
    seed: int
    steps: int
    scores: dict[str, float] = Field(default_factory=dict)
    promise: dict[str, float] = Field(default_factory=dict)
    seconds: float
    version: str
    procedure: int = 1


@dataclass(frozen=True, slots=True)
class BridgingRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out, data
        Folder for the result, and that of the labelled images.
    n_seeds
        Runs of each generated task, and of each real one.
    steps
        Of each way that learns.
    tasks, columns
        What is compared.
    device
        ``auto``, ``cpu`` or ``cuda``.
    outputs
        What may be replaced.
    """

    out: Path
    data: Path
    n_seeds: int = 3
    steps: int = 80
    tasks: Sequence[BridgingTask] = TASKS
    columns: Sequence[str] = COLUMNS
    device: str = "auto"
    outputs: Outputs = field(default_factory=Outputs)

    def only(self, groups: Sequence[str]) -> BridgingRequest:
        """Return the same for the tasks of some groups.

        Raises
        ------
        InputError
            If there is no such group.
        """
        known = list(dict.fromkeys(task.group for task in TASKS))
        unknown = [group for group in groups if group not in known]
        if unknown:
            raise InputError(f"no tasks of bridging are called {unknown[0]!r}: choose of {', '.join(known)}")
        return replace(self, tasks=[task for task in self.tasks if task.group in groups])

    def quick(self) -> BridgingRequest:
        """Return one seed, few steps, and the generated tasks alone, which need no data."""
        tasks = [task for task in self.tasks if task.group == "generated"]
        return replace(self, n_seeds=1, steps=20, tasks=tasks)


def run_bridging(request: BridgingRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Bridge sources in every way in every task, and score the target without having used its labels.

    What was finished before is not done again. Decoding is that of the source; the labels of the target are
    read when all is done.

    Returns
    -------
    list of dict
        One row for each task; see `table`.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    study = _Study(request, cancel)
    runs = [
        (task, seed, column)
        for task in request.tasks
        for seed in range(request.n_seeds)
        for column in (PROMISES, *request.columns)
    ]
    found = []
    for number, (task, seed, column) in enumerate(runs):
        cancel.raise_if_cancelled()
        report(Progress(number, len(runs), f"{task.key}, seed {seed}: {column}"))
        run = study.run(task, seed, column)
        found += [] if run is None else [run]
    rows = table(found, request.tasks)
    document = {
        "settings": {"n_seeds": request.n_seeds, "steps": request.steps, "procedure": PROCEDURE},
        "rows": rows,
        "summary": summarise(found, request.tasks),
        "runs": [run.model_dump(mode="json") for run in found],
    }
    text = json.dumps(marked(document), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


class _Study:
    """What comes of each way in each task."""

    def __init__(self, request: BridgingRequest, cancel: CancelToken) -> None:
        self._request, self._cancel = request, cancel
        self._device = choose_device(request.device)
        self._catalogue = Catalogue()
        self._kept = KeptResults(BridgingRun, request.out / f"{NAME}-runs.jsonl")
        self._bench: tuple[object, BridgingBench] | None = None

    def run(self, task: BridgingTask, seed: int, column: str) -> BridgingRun | None:
        """Return the result of a way, from the log where it was found before; None where there is none."""
        asked = {"task": task.key, "method": column, "seed": seed, "steps": self._request.steps}
        asked |= {"procedure": PROCEDURE}
        known = self._kept.find(asked)
        if known is not None:
            return known
        started = time.monotonic()
        bench = self._bench_of(task, seed)
        if column == CEILING and bench.scene.own is None:
            return None
        scores = {} if column == PROMISES else bench.scores(column)
        promise = bench.promise() if column == PROMISES else {}
        spent = round(time.monotonic() - started, 2)
        run = BridgingRun(
            task=task.key,
            method=column,
            seed=seed,
            steps=self._request.steps,
            scores=scores,
            promise=promise,
            seconds=spent,
            version=version("napari-graft"),
            procedure=PROCEDURE,
        )
        self._kept.add(run)
        return run

    def _bench_of(self, task: BridgingTask, seed: int) -> BridgingBench:
        if self._bench is None or self._bench[0] != (task.key, seed):
            model = model_of_source(self._catalogue.get(task.source))
            scene = task.make(self._request.data, seed)
            bench = BridgingBench(scene, model, self._request.steps, seed, self._device, self._cancel)
            self._bench = ((task.key, seed), bench)
        return self._bench[1]


def table(runs: Sequence[BridgingRun], tasks: Sequence[BridgingTask]) -> list[dict[str, object]]:
    """Return for each task AP50 of every way, the mean over the seeds, and what its pairs promise."""
    rows: list[dict[str, object]] = []
    for task in tasks:
        means = _means(runs, task.key)
        promised = [run.promise for run in runs if run.task == task.key and run.promise]
        if not means:
            continue
        row: dict[str, object] = {"task": task.key}
        row |= {column: round(value, 3) for column, value in means.items()}
        if promised:
            row["promise"] = round(fmean(one["explained"] - one["explained_by_view"] for one in promised), 3)
            row["helps"] = round(fmean(one["helps"] for one in promised), 2)
        rows.append(row)
    return rows


def _means(runs: Sequence[BridgingRun], task: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for run in runs:
        if run.task == task and run.scores:
            found.setdefault(run.method, []).append(run.scores["ap50"])
    return {column: fmean(values) for column, values in found.items()}


def summarise(runs: Sequence[BridgingRun], tasks: Sequence[BridgingTask]) -> dict[str, object]:
    """Return whether what was hoped for holds, and whether the pairs foretold it.

    ``rho`` is Spearman's correlation over all tasks and seeds between what a translator explains beyond the
    view and the gain in AP50 of the bridge over the best view; None where either does not vary.
    """
    gains, promises, shuffled = [], [], []
    for run in (one for one in runs if one.method == BRIDGE):
        beside = {one.method: one for one in runs if (one.task, one.seed) == (run.task, run.seed)}
        if BEST_VIEW not in beside:
            continue
        view = beside[BEST_VIEW].scores["ap50"]
        gains.append(run.scores["ap50"] - view)
        if SHUFFLED in beside:
            shuffled.append(beside[SHUFFLED].scores["ap50"] - view)
        if PROMISES in beside:
            promise = beside[PROMISES].promise
            promises.append(promise["explained"] - promise["explained_by_view"])
    return {
        "n": len(gains),
        "mean_gain": _mean(gains),
        "mean_gain_of_shuffled_pairs": _mean(shuffled),
        "reaching_the_aim": [task.key for task in tasks if _reaches(_means(runs, task.key))],
        "rho": _correlation(promises, gains),
    }


def _reaches(means: Mapping[str, float]) -> bool:
    return BRIDGE in means and BEST_VIEW in means and means[BRIDGE] - means[BEST_VIEW] >= AIM


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 4) if values else None


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    if len(first) != len(second) or len(set(first)) < 3 or len(set(second)) < 3:
        return None
    return round(float(spearmanr(first, second).statistic), 3)
