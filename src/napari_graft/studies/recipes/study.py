"""Each part of the recipe on each target with each seed; what was finished is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.session.models import Model, model_of_source
from napari_graft.studies.label_efficiency.arms import ArmPlan, EfficiencyBench
from napari_graft.studies.label_efficiency.bench_cells import Asked, BenchCells
from napari_graft.studies.label_efficiency.study import TARGETS
from napari_graft.studies.recipes.parts import PARTS, QUICK_PARTS
from napari_graft.studies.recipes.table import RecipeCell, table
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import LEAST_OBJECTS, LabelledSet, sets_called

NAME = "recipes"
_HANDFUL = 6
_QUICK_STEPS = 3


@dataclass(frozen=True, slots=True)
class RecipesRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for the result and for all that is found on the way, which is used again.
    data
        Folder with the labelled sets.
    n_seeds
        Choices of tiles and trainings.
    targets
        The sets.
    n_tiles
        Annotated tiles.
    parts
        Names in `PARTS`, the usual training first.
    plan
        How long networks are trained, where a part does not say so itself.
    least_objects
        Of the test part of a target.
    outputs
        What may be written where.

    Raises
    ------
    InputError
        If no seed is asked for.
    """

    out: Path
    data: Path
    n_seeds: int = 2
    targets: tuple[LabelledSet, ...] = TARGETS[:_HANDFUL]
    n_tiles: int = 4
    parts: tuple[str, ...] = tuple(PARTS)
    plan: ArmPlan = field(default_factory=ArmPlan)
    least_objects: int = LEAST_OBJECTS
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        if self.n_seeds < 1:
            raise InputError(f"{self.n_seeds} seeds show nothing: ask for at least 1")

    def quick(self) -> RecipesRequest:
        """Return a request for one target, a few parts and hardly any training, to see whether it runs."""
        plan = replace(self.plan, steps=_QUICK_STEPS)
        return replace(self, targets=self.targets[:1], n_seeds=1, n_tiles=1, parts=QUICK_PARTS, plan=plan)

    def only(self, names: Sequence[str]) -> RecipesRequest:
        """Return the request for some sets, named by themselves or by what is segmented in them.

        Raises
        ------
        InputError
            If there is no such set.
        """
        return replace(self, targets=sets_called(self.targets, names))


def run_recipes(request: RecipesRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Train the first source of the ranking by each recipe on the same tiles, and compare with the usual one.

    Returns
    -------
    list of dict
        A row for each part; see `table`.

    Raises
    ------
    InputError
        If a set is missing or its test part holds too few objects.
    Cancelled
        When asked to stop; the finished cells are kept.
    """
    cells = BenchCells(request, KeptResults(RecipeCell, request.out / f"{NAME}-cells.jsonl"), report, cancel)
    found = cells.fill(partial(_cells_of, request), partial(_fill, request))
    rows = table(found)
    settings = {"n_seeds": request.n_seeds, "n_tiles": request.n_tiles, "steps": request.plan.steps}
    document = {
        "settings": settings | {"parts": {name: asdict(PARTS[name]) for name in request.parts}},
        "rows": rows,
        "cells": [one.model_dump(mode="json") for one in found],
    }
    text = json.dumps(marked(document), indent=1)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


def _cells_of(
    request: RecipesRequest, target: LabelledSet, seed: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the parts on a target with one seed."""
    for part in request.parts:
        yield (
            part,
            {
                "target": target.key,
                "seed": seed,
                "part": part,
                "tuning": json.dumps(asdict(PARTS[part])),
                "n_tiles": request.n_tiles,
                "steps": request.plan.steps,
                "tile": request.plan.tile,
            },
        )


def _fill(request: RecipesRequest, bench: EfficiencyBench, asked: Asked) -> RecipeCell:
    began = time.monotonic()
    start = model_of_source(bench.ranked[0])
    painted = bench.painted("auto", request.n_tiles)
    fitted = bench.fit(start, painted, request.plan.steps, PARTS[str(asked["part"])])
    scores = bench.score(Model(start.name, fitted.network, fitted.decode))
    made = {
        "source": bench.ranked[0].id,
        "scores": scores,
        "share": fitted.share,
        "trained_steps": fitted.result.steps,
        "seconds": round(time.monotonic() - began, 1),
        "version": version("napari-graft"),
    }
    return RecipeCell.model_validate({**asked, **made})
