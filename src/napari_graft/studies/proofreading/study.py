"""How much error goes with how many actions by the list of suspicious objects: ``proofreading``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.sources.card import FILLING_STRUCTURES
from napari_graft.studies.proofreading.cases import CASES, CaseResult, ProofreadingCase, make_result
from napari_graft.studies.proofreading.scripted_proofreader import (
    ORDERS,
    Point,
    ScriptedProofreader,
    least_error,
)
from napari_graft.studies.results import KeptResults, program_checksum
from napari_graft.studies.targets import FLUO_520

NAME = "proofreading"
N_WRONG = 0.05
_MOST_POINTS = 60


class ProofreadingRun(Document):
    """Correction of one result in one order.

    Parameters
    ----------
    case, source, order, seed, program
        What was asked for: the result, the source that made it, the order, and the code.
    measure
        ``vi``, or ``1 - ap50``.
    n_objects
        Of the result.
    start, least
        The error before, and once all was examined twice without a slip.
    end
        The error when the order came to its end.
    half_actions, half_minutes
        After which half of what lies between `start` and `least` is gone; None where it never is.
    curve
        Actions and minutes so far with the error that is left, thinned out.
    """

    case: str
    source: str
    order: str
    seed: int
    program: str
    measure: str
    n_objects: int
    start: float
    least: float
    end: float
    half_actions: int | None
    half_minutes: float | None
    curve: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ProofreadingRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for the result, and for what is found on the way, which is used again.
    data
        Folder with the labelled sets.
    cases
        The results that are corrected.
    n_seeds
        Runs of each order, of which the table shows the median.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    cases: tuple[ProofreadingCase, ...] = CASES
    n_seeds: int = 3
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> ProofreadingRequest:
        """Return a request for one small result and one run of each order."""
        return replace(self, cases=tuple(one for one in self.cases if one.target is FLUO_520), n_seeds=1)


def run_proofreading(
    request: ProofreadingRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Let a scripted person correct each result in each order; what was finished before is not done again.

    Returns
    -------
    list of dict
        A row for each result; see `table`.

    Raises
    ------
    InputError
        If images or sources are missing.
    Cancelled
        When asked to stop; the finished runs are kept.
    """
    kept = KeptResults(ProofreadingRun, request.out / f"{NAME}-runs.jsonl")
    runs = [
        run
        for number, case in enumerate(request.cases)
        for run in _runs_of(case, request, kept, _part(report, number, len(request.cases)), cancel)
    ]
    rows = table(runs)
    document = {
        "settings": {"n_seeds": request.n_seeds, "wrong": N_WRONG},
        "rows": rows,
        "runs": [one.model_dump(mode="json", exclude={"program", "format_version"}) for one in runs],
    }
    request.outputs.write(request.out / f"{NAME}.json", json.dumps(marked(document), indent=1) + "\n", JSON)
    return rows


def _part(report: Report, number: int, total: int) -> Report:
    def tell(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        report(Progress(round(100 * (number + share)), 100 * total, progress.message))

    return tell


def _runs_of(
    case: ProofreadingCase,
    request: ProofreadingRequest,
    kept: KeptResults[ProofreadingRun],
    report: Report,
    cancel: CancelToken,
) -> list[ProofreadingRun]:
    runs: list[ProofreadingRun] = []
    result: CaseResult | None = None
    least = 0.0
    wanted = [(order, seed) for order in ORDERS for seed in range(request.n_seeds)]
    for number, (order, seed) in enumerate(wanted):
        cancel.raise_if_cancelled()
        report(Progress(number, len(wanted), f"{case.key}, {order}"))
        asked: dict[str, Any] = {
            "case": case.key,
            "source": case.source,
            "order": order,
            "seed": seed,
            "program": program_checksum(),
        }
        run = kept.find(asked)
        if run is None:
            if result is None:
                result = make_result(case, request.data, cancel)
                least = least_error(result, case.target.structure, np.random.default_rng(0))
            run = _correct(case, result, least, asked, cancel)
            kept.add(run)
        runs.append(run)
    return runs


def _correct(
    case: ProofreadingCase, result: CaseResult, least: float, asked: Mapping[str, Any], cancel: CancelToken
) -> ProofreadingRun:
    structure = case.target.structure
    person = ScriptedProofreader(result, structure, np.random.default_rng(asked["seed"]), N_WRONG)
    n_objects = len(person.objects.ids())
    for _ in ORDERS[asked["order"]](person):
        cancel.raise_if_cancelled()
    start = person.curve[0][2]
    half = next((one for one in person.curve if one[2] <= (start + least) / 2), None)
    return ProofreadingRun(
        **asked,
        measure="vi" if structure in FILLING_STRUCTURES else "1 - ap50",
        n_objects=n_objects,
        start=round(start, 4),
        least=round(least, 4),
        end=round(person.error, 4),
        half_actions=None if half is None else half[0],
        half_minutes=None if half is None else round(half[1], 2),
        curve=_thinned(person.curve),
    )


def _thinned(curve: Sequence[Point]) -> tuple[Point, ...]:
    step = max(1, -(-len(curve) // _MOST_POINTS))
    chosen = [*curve[::step], curve[-1]]
    return tuple((n, round(minutes, 2), round(error, 4)) for n, minutes, error in chosen)


def table(runs: Sequence[ProofreadingRun]) -> list[dict[str, object]]:
    """Return a row for each result.

    Of each order it has the actions, and of the queue and of painting the minutes, after which half of the
    error that tools can reach is gone, in the median over the seeds (never counts as the most); and what the
    queue takes as a share of the random order.
    """
    rows: list[dict[str, object]] = []
    for case in dict.fromkeys(one.case for one in runs):
        of_case = [one for one in runs if one.case == case]
        first = of_case[0]
        row: dict[str, object] = {"result": case, "objects": first.n_objects, "measure": first.measure}
        row |= {"start": first.start, "least": first.least}
        actions = {order: _median(of_case, order, "half_actions") for order in ORDERS}
        row |= {f"{order}_actions": n for order, n in actions.items()}
        row |= {
            f"{order}_minutes": _median(of_case, order, "half_minutes") for order in ("queue", "painting")
        }
        queue, at_random = actions["queue"], actions["random"]
        row["queue_to_random"] = None if queue is None or not at_random else round(queue / at_random, 2)
        rows.append(row)
    return rows


def _median(runs: Sequence[ProofreadingRun], order: str, name: str) -> float | None:
    """Return the median over the runs of an order, None where most of them never come to half."""
    values = [getattr(one, name) for one in runs if one.order == order]
    never = float("inf")
    middle = median(never if one is None else one for one in values)
    return None if middle == never else round(middle, 2)
