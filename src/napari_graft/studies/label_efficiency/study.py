"""Every column on every target, for each number of tiles and seed; and what the tables say of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report, note
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.studies.label_efficiency import random_forest
from napari_graft.studies.label_efficiency.arms import ARMS, WITHOUT_TILES, ArmPlan, EfficiencyBench
from napari_graft.studies.label_efficiency.bench_cells import Asked, BenchCells
from napari_graft.studies.label_efficiency.tables import ArmScore, aims, rows_of
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import (
    CA1,
    FLUO_520,
    ISBI,
    LEAST_OBJECTS,
    RANKING_TARGETS,
    T98G,
    LabelledSet,
)
from napari_graft.studies.transfer import quality_of

NAME = "label-efficiency"
NUMBERS = (1, 2, 4, 8, 16)

_NAMED = {one.key: one for one in RANKING_TARGETS}
TARGETS = (
    FLUO_520,
    ISBI,
    _NAMED["nuclei_u2os_coelho-nuclei"],
    CA1,
    _NAMED["mouse_brain_sbem_mito-mitochondria"],
    T98G,
    _NAMED["rat_spinal_cord_sem-axons"],
    _NAMED["fly_medulla_fibsem-neurites"],
)
"""Of eight collections; no source that saw a target or a near relative takes part."""


@dataclass(frozen=True, slots=True)
class LabelEfficiencyRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for ``label-efficiency.json`` and the finished cells.
    data
        Folder that holds the targets.
    n_seeds
        Runs of each target, with the seeds 0, 1…
    targets
        The data sets.
    numbers
        Numbers of annotated tiles.
    plan
        How networks are trained.
    least_objects
        Of the test part of a target.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    n_seeds: int = 3
    targets: tuple[LabelledSet, ...] = TARGETS
    numbers: tuple[int, ...] = NUMBERS
    plan: ArmPlan = field(default_factory=ArmPlan)
    least_objects: int = LEAST_OBJECTS
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        if self.n_seeds < 1:
            raise InputError(f"{self.n_seeds} seeds show nothing: ask for at least 1")

    def quick(self) -> LabelEfficiencyRequest:
        """Return a request for the first target only, and hardly any training, to see whether it runs."""
        plan = replace(self.plan, steps=3)
        return replace(self, targets=self.targets[:1], numbers=(1,), n_seeds=1, plan=plan)


class ArmResult(Document):
    """What one column came to on one target.

    Parameters
    ----------
    target, seed, arm, n_tiles, steps, tile
        What was asked for, by which it is known again; 0 tiles where a column does not depend on them.
    source
        The first source of the ranking.
    n_test_objects
        True objects of the test part.
    scores
        On the test part, by the keys of ``evaluate``.
    seconds
        How long it took.
    """

    target: str
    seed: int
    arm: str
    n_tiles: int
    steps: int
    tile: int | None
    source: str
    n_test_objects: int
    scores: dict[str, float]
    seconds: float


def run_label_efficiency(
    request: LabelEfficiencyRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Fill all cells of the table, and write it to ``label-efficiency.json``.

    A cell that was finished before with the same settings is not done again; to do so, name another folder.

    Returns
    -------
    list of dict
        A row for each target and number of tiles; see `rows_of`.

    Raises
    ------
    InputError
        If an image is missing or cannot be used.
    Cancelled
        When asked to stop; the finished cells are kept.
    """
    cells_of = BenchCells(
        request, KeptResults(ArmResult, request.out / f"{NAME}-cells.jsonl"), report, cancel
    )
    if not random_forest.is_available():
        report(note(random_forest.MISSING))
    found = cells_of.fill(partial(_cells_of, request), _fill)
    cells = [_cell(one) for one in found]
    rows = rows_of(cells)
    settings = {
        "numbers": list(request.numbers),
        "n_seeds": request.n_seeds,
        "steps": request.plan.steps,
    }
    document = {
        "settings": settings,
        "rows": rows,
        "aims": aims(cells),
        "cells": [one.model_dump(mode="json") for one in found],
    }
    text = json.dumps(marked(document), indent=1)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


def _cells_of(
    request: LabelEfficiencyRequest, target: LabelledSet, seed: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the columns of a target with one seed, for each number of tiles that matters to it."""
    plan = request.plan
    for arm in ARMS:
        if arm == "random forest" and not random_forest.is_available():
            continue
        for n in (0,) if arm in WITHOUT_TILES else request.numbers:
            of_cell: dict[str, object] = {"target": target.key, "seed": seed, "arm": arm, "n_tiles": n}
            yield f"{arm}, {n} tiles", of_cell | {"steps": plan.steps, "tile": plan.tile}


def _fill(bench: EfficiencyBench, asked: Asked) -> ArmResult:
    began = time.monotonic()
    scores = ARMS[str(asked["arm"])](bench, int(str(asked["n_tiles"])))
    known = {"source": bench.ranked[0].id, "n_test_objects": bench.n_test_objects}
    seconds = round(time.monotonic() - began, 1)
    return ArmResult.model_validate({**asked, **known, "scores": scores, "seconds": seconds})


def _cell(one: ArmResult) -> ArmScore:
    quality = quality_of(one.target, one.scores)
    return ArmScore(one.target, one.seed, one.arm, one.n_tiles, quality, one.source, one.scores)
