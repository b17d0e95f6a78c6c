"""Every strategy against foreground-aware random, with a frozen source and a head in closed form."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

import numpy as np

from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.studies.results import KeptResults
from napari_graft.studies.selection.gains import CONTROL, Points, StrategyGain, judge_strategies
from napari_graft.studies.selection.pool import SelectionTarget, TilePool
from napari_graft.studies.selection.timing import SelectionTiming, time_selection
from napari_graft.studies.targets import (
    CA1,
    FIRST_LOOK_TARGETS,
    FLUO_520,
    ISBI,
    LEAST_OBJECTS,
    T98G,
    LabelledSet,
)
from napari_graft.studies.transfer import quality_of

NAME = "selection"
BUDGETS = (1, 2, 4, 8)


def _set(name: str, structure: str) -> LabelledSet:
    return next(one for one in FIRST_LOOK_TARGETS if one.key == f"{name}-{structure}")


TARGETS = (
    SelectionTarget(ISBI, "mouse-ca1-fibsem"),
    SelectionTarget(FLUO_520, "nuclei-u2os"),
    SelectionTarget(CA1, "fly-medulla-fibsem"),
    SelectionTarget(_set("nuclei_u2os_coelho", "nuclei"), "nuclei-fluorescence"),
    SelectionTarget(_set("rat_spinal_cord_sem", "axons"), "neurites-em"),
    SelectionTarget(_set("mouse_brain_sbem_mito", "mitochondria"), "platelet-sbfsem"),
    SelectionTarget(_set("nuclei_nih3t3_uneven", "nuclei"), "nuclei-u2os"),
    SelectionTarget(T98G, "plant-ovule-cells"),
)
"""Each with one source that has not seen it, the same for all strategies."""


@dataclass(frozen=True, slots=True)
class SelectionRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for ``selection.json`` and the finished runs.
    data
        Folder that holds the targets.
    n_seeds
        Choices of tiles by each strategy that draws at random, with the seeds 0, 1…
    targets
        The data sets, each with its source.
    budgets
        Numbers of tiles; a smaller choice is the beginning of a larger one.
    strategies
        Names in `STRATEGIES`; `CONTROL` must be among them.
    least_objects
        Of the test part of a target.
    coreset_steps
        Training steps of a round of the iterative core-set that FreeSel's time is compared with.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    n_seeds: int = 6
    targets: tuple[SelectionTarget, ...] = TARGETS
    budgets: tuple[int, ...] = BUDGETS
    strategies: tuple[str, ...] = tuple(name for name in STRATEGIES if name != "auto")
    least_objects: int = LEAST_OBJECTS
    coreset_steps: int = 60
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        if self.n_seeds < 2:
            raise InputError(f"{self.n_seeds} seeds have no spread: ask for at least 2")
        if CONTROL not in self.strategies:
            raise InputError(f"the strategies must hold {CONTROL!r}, with which all are compared")

    def only(self, names: Sequence[str]) -> SelectionRequest:
        """Return a request for some targets: named by set, by set and structure, or by structure.

        Raises
        ------
        InputError
            If there is no target of a name.
        """
        known = {one.target.key: one for one in self.targets}
        chosen: dict[str, SelectionTarget] = {}
        for name in names:
            found = {key: one for key, one in known.items() if name in one.target.names}
            if not found:
                raise InputError(f"there is no target {name!r}: choose from {', '.join(known)}")
            chosen |= found
        return replace(self, targets=tuple(one for key, one in known.items() if key in chosen))

    def quick(self) -> SelectionRequest:
        """Return a request for two targets and little of each, to see whether it runs."""
        budgets = tuple(n for n in self.budgets if n <= 2)
        return replace(self, targets=self.targets[:2], n_seeds=2, budgets=budgets, coreset_steps=6)


class SelectionPoint(Document):
    """What so many tiles came to.

    Parameters
    ----------
    n_tiles
        Number of tiles.
    scores
        On the test part, by the keys of ``evaluate``.
    n_objects, border
        What there is to paint on them: true objects, and pixels of border between them.
    """

    n_tiles: int
    scores: dict[str, float]
    n_objects: int
    border: int


class SelectionRun(Document):
    """One choice of tiles by one strategy, and what its beginnings came to.

    Parameters
    ----------
    target, source, weights_sha256, side, strategy, seed, budgets
        What was asked for, by which it is known again.
    tiles
        Where the tiles begin, in the order in which they were chosen.
    points
        One for each budget.
    untouched
        Scores of the source without any tile.
    seconds
        How long it took.
    """

    target: str
    source: str
    weights_sha256: str
    side: int
    strategy: str
    seed: int
    budgets: tuple[int, ...]
    tiles: tuple[tuple[int, ...], ...]
    points: tuple[SelectionPoint, ...]
    untouched: dict[str, float]
    seconds: float


def run_selection(
    request: SelectionRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Try all strategies on all targets, and write the rows of the table to ``selection.json``.

    What was finished before with the same settings is not done again.

    Returns
    -------
    list of dict
        One row for each strategy, the best first; see `StrategyGain`.

    Raises
    ------
    InputError
        If a set is missing or does not fit.
    Cancelled
        When asked to stop; the finished runs are kept.
    """
    for chosen in request.targets:
        chosen.target.check(request.data)
    kept = KeptResults(SelectionRun, request.out / f"{NAME}-runs.jsonl")
    times = KeptResults(SelectionTiming, request.out / f"{NAME}-times.jsonl")
    screen = _Screen(request, kept, times, report, cancel)
    runs = [run for chosen in request.targets for run in screen.runs(chosen)]
    timing = screen.timing(request.targets[0])
    verdicts = judge_strategies(_points(runs), np.random.default_rng(0))
    rows = [_row(verdict, runs) for verdict in verdicts]
    document = {
        "settings": {
            "n_seeds": request.n_seeds,
            "budgets": list(request.budgets),
            "targets": [one.target.key for one in request.targets],
        },
        "rows": rows,
        "seconds": timing.model_dump(mode="json"),
        "runs": [run.model_dump(mode="json") for run in runs],
    }
    request.outputs.write(request.out / f"{NAME}.json", f"{json.dumps(marked(document), indent=1)}\n", JSON)
    return rows


@dataclass(slots=True)
class _Screen:
    """The runs of all targets, each done once."""

    request: SelectionRequest
    kept: KeptResults[SelectionRun]
    times: KeptResults[SelectionTiming]
    report: Report
    cancel: CancelToken

    def runs(self, chosen: SelectionTarget) -> list[SelectionRun]:
        """Return all runs on a target; its pool is made where one is missing."""
        pool: TilePool | None = None
        found = []
        tasks = [(name, seed) for seed in range(self.request.n_seeds) for name in self.request.strategies]
        try:
            for number, (strategy, seed) in enumerate(tasks):
                self.report(Progress(number, len(tasks), f"{chosen.target.key}: {strategy}, seed {seed}"))
                run = self.kept.find(self._asked(chosen, strategy, seed))
                if run is None:
                    pool = pool or self._pool(chosen)
                    run = self._run(pool, strategy, seed)
                    self.kept.add(run)
                found.append(run)
        finally:
            if pool is not None:
                pool.close()
        return found

    def timing(self, chosen: SelectionTarget) -> SelectionTiming:
        """Return how long FreeSel and an iterative core-set take on a target."""
        asked: dict[str, object] = {
            "target": chosen.target.key,
            "source": chosen.source,
            "n_tiles": max(self.request.budgets),
            "steps": self.request.coreset_steps,
        }
        known = self.times.find(asked)
        if known is None:
            pool = self._pool(chosen)
            try:
                known = time_selection(pool, asked, self.report, self.cancel)
            finally:
                pool.close()
            self.times.add(known)
        return known

    def _pool(self, chosen: SelectionTarget) -> TilePool:
        request = self.request
        return TilePool(chosen, request.data, self.report, self.cancel, request.least_objects)

    def _asked(self, chosen: SelectionTarget, strategy: str, seed: int) -> dict[str, object]:
        return {
            "target": chosen.target.key,
            "source": chosen.source,
            "side": chosen.side,
            "strategy": strategy,
            "seed": seed,
            "budgets": self.request.budgets,
        }

    def _run(self, pool: TilePool, strategy: str, seed: int) -> SelectionRun:
        began = time.monotonic()
        rng = np.random.default_rng([seed, *strategy.encode()])
        suggestions = STRATEGIES[strategy].select(pool.candidates, max(self.request.budgets), rng)
        places = {candidate.tile: number for number, candidate in enumerate(pool.candidates)}
        numbers = [places[one.tile] for one in suggestions]
        if len(numbers) < max(self.request.budgets):
            raise InputError(f"{pool.chosen.target.key} has {len(numbers)} tiles only: choose smaller ones")
        source = pool.model.source
        assert source is not None
        asked = self._asked(pool.chosen, strategy, seed)
        return SelectionRun.model_validate(
            asked
            | {
                "weights_sha256": source.card.weights_sha256,
                "tiles": [one.tile.start for one in suggestions],
                "points": [_point(pool, numbers[:n]) for n in self.request.budgets],
                "untouched": pool.score([]),
                "seconds": round(time.monotonic() - began, 2),
            }
        )


def _point(pool: TilePool, numbers: Sequence[int]) -> SelectionPoint:
    work = [pool.work[number] for number in numbers]
    return SelectionPoint(
        n_tiles=len(numbers),
        scores=pool.score(numbers),
        n_objects=sum(one.n_objects for one in work),
        border=sum(one.border for one in work),
    )


def _points(runs: Sequence[SelectionRun]) -> Points:
    """Return the quality of every point, by strategy, target, seed and budget."""
    found: Points = {}
    for run in runs:
        by_seed = found.setdefault(run.strategy, {}).setdefault(run.target, {})
        by_seed[run.seed] = {point.n_tiles: quality_of(run.target, point.scores) for point in run.points}
    return found


def _row(verdict: StrategyGain, runs: Sequence[SelectionRun]) -> dict[str, object]:
    own = [run.points[-1] for run in runs if run.strategy == verdict.strategy]
    control = [run.points[-1] for run in runs if run.strategy == CONTROL]
    ratios = {
        name: fmean(getattr(one, name) for one in own) / max(1, fmean(getattr(one, name) for one in control))
        for name in ("n_objects", "border")
    }
    return verdict.as_row() | {"objects": round(ratios["n_objects"], 2), "border": round(ratios["border"], 2)}
