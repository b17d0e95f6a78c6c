"""How far a few annotated tiles reach on real images: the benchmark ``label-efficiency``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.session.demo import Demo, DemoRequest, DemoResult
from napari_graft.session.demo_report import write_demo_report
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import EFFICIENCY_TARGETS, LabelledSet

NAME = "label-efficiency"


@dataclass(frozen=True, slots=True)
class LabelEfficiencyRequest:
    """Request for the benchmark.

    Parameters
    ----------
    out
        Folder for ``label-efficiency.json``, the results of the runs, and below it the report of each.
    data
        Folder that holds the targets.
    n_seeds
        Runs of each target, with the seeds 0, 1…
    targets
        The data sets.
    n_rounds, n_tiles, tile
        Rounds, tiles annotated in each, and the side of a tile.
    steps
        Training steps of a round: unlike a time, they do not depend on how busy the machine is.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    n_seeds: int = 1
    targets: tuple[LabelledSet, ...] = EFFICIENCY_TARGETS
    n_rounds: int = 2
    n_tiles: int = 4
    tile: int = 256
    steps: int = 200
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        if self.n_seeds < 1:
            raise InputError(f"{self.n_seeds} seeds show nothing: ask for at least 1")

    def quick(self) -> LabelEfficiencyRequest:
        """Return a request for the first target only, and hardly any training, to see whether it runs."""
        return replace(self, targets=self.targets[:1], n_rounds=1, steps=10)


class Outcome(Document):
    """What one run came to, and what was asked for, by which it is known again.

    Parameters
    ----------
    target, seed, n_rounds, n_tiles, tile, steps, pixel_size
        What was asked for.
    source
        The best source that has not seen the target.
    excluded
        Sources that have.
    zero_shot, scratch, adapted
        Scores on the test part, by the keys of ``evaluate``: of the untouched source, and after each round
        from scratch and adapted.
    seconds
        Time of the whole loop.
    """

    target: str
    seed: int
    n_rounds: int
    n_tiles: int
    tile: int
    steps: int
    pixel_size: tuple[float, ...] | None
    source: str
    excluded: tuple[str, ...]
    zero_shot: dict[str, float]
    scratch: tuple[dict[str, float], ...]
    adapted: tuple[dict[str, float], ...]
    seconds: float


def run_label_efficiency(
    request: LabelEfficiencyRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Run the loop of `Demo` on every target, and write the rows of the table to ``label-efficiency.json``.

    A run that was finished before with the same settings is not done again; to do so, name another folder.

    Returns
    -------
    list of dict
        For each target and round, the means over the seeds; ``below_scratch`` is the share of the VI from
        scratch that adapting saves, 0 to 1.

    Raises
    ------
    InputError
        If an image is missing or cannot be used.
    Cancelled
        When asked to stop; the finished runs are kept.
    """
    for target in request.targets:
        target.check(request.data)
    outcomes = []
    kept = KeptResults(Outcome, request.out / f"{NAME}-runs.jsonl")
    runs = [(target, seed) for target in request.targets for seed in range(request.n_seeds)]
    for number, (target, seed) in enumerate(runs):
        report(Progress(number, len(runs), f"target {target.name}, seed {seed}"))
        outcome = kept.find(_asked(request, target, seed))
        if outcome is None:
            outcome = _run(request, target, seed, report, cancel)
            kept.add(outcome)
        outcomes.append(outcome)
    rows = [row for target in request.targets for row in _rows(target, outcomes)]
    figures = {
        "settings": {"steps": request.steps, "tile": request.tile, "n_seeds": request.n_seeds},
        "rows": rows,
        "runs": [outcome.model_dump(mode="json") for outcome in outcomes],
    }
    text = json.dumps(marked(figures), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


def _run(
    request: LabelEfficiencyRequest, target: LabelledSet, seed: int, report: Report, cancel: CancelToken
) -> Outcome:
    folder = request.out / NAME / f"{target.name}-seed{seed}"
    demo = Demo(_demo_request(request, target, seed, folder), report, cancel)
    outcome = _outcome(_asked(request, target, seed), demo.run())
    write_demo_report(demo, request.outputs)
    return outcome


def _asked(request: LabelEfficiencyRequest, target: LabelledSet, seed: int) -> dict[str, object]:
    return {
        "target": target.name,
        "seed": seed,
        "n_rounds": request.n_rounds,
        "n_tiles": request.n_tiles,
        "tile": request.tile,
        "steps": request.steps,
        "pixel_size": target.pixel_size,
    }


def _demo_request(
    request: LabelEfficiencyRequest, target: LabelledSet, seed: int, folder: Path
) -> DemoRequest:
    options, labels = target.prepare(request.data, folder / "sample")
    return DemoRequest(
        folder,
        labels,
        options,
        n_rounds=request.n_rounds,
        n_tiles=request.n_tiles,
        seconds=None,
        steps=request.steps,
        seed=seed,
        tile=request.tile,
        named=str(request.data / target.name / target.image),
    )


def _outcome(asked: dict[str, object], result: DemoResult) -> Outcome:
    return Outcome.model_validate(
        asked
        | {
            "source": result.zero_shot["source"],
            "excluded": result.excluded,
            "zero_shot": _numbers(result.zero_shot),
            "scratch": [_numbers(row) for row in result.scratch],
            "adapted": [_numbers(row) for row in result.rounds],
            "seconds": result.seconds,
        }
    )


def _numbers(row: dict[str, object]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items() if isinstance(value, int | float)}


def _rows(target: LabelledSet, outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    own = [outcome for outcome in outcomes if outcome.target == target.name]
    rows: list[dict[str, object]] = []
    for number in range(len(own[0].adapted)):
        scratch, adapted = ([getattr(o, kind)[number] for o in own] for kind in ("scratch", "adapted"))
        vi_scratch, vi_adapted = (fmean(row["vi"] for row in kind) for kind in (scratch, adapted))
        rows.append(
            {
                "target": target.name,
                "source": ", ".join(sorted({outcome.source for outcome in own})),
                "n_tiles": int(adapted[0]["n_tiles"]),
                "steps": int(adapted[0]["total_steps"]),
                "n_seeds": len(own),
                "vi_zero_shot": fmean(outcome.zero_shot["vi"] for outcome in own),
                "vi_scratch": vi_scratch,
                "vi_adapted": vi_adapted,
                "below_scratch": 1 - vi_adapted / vi_scratch,
                "ap50_zero_shot": fmean(outcome.zero_shot["ap50"] for outcome in own),
                "ap50_scratch": fmean(row["ap50"] for row in scratch),
                "ap50_adapted": fmean(row["ap50"] for row in adapted),
            }
        )
    return rows
