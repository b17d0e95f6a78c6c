"""Does the ranking foretell which source turns out best? The benchmark ``ranking``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.file_kinds import JSON, PNG
from napari_graft.io.marks import marked, png_with_mark
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.generalists import Generalists
from napari_graft.studies.kept import KeptResults
from napari_graft.studies.ranking_chart import ranking_chart
from napari_graft.studies.ranking_table import TargetFigures, table
from napari_graft.studies.readings import ScoreCache, SourceReadings
from napari_graft.studies.request import TransferRequest
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import Transfer, TransferBench

NAME = "ranking"


def run_ranking(request: TransferRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Adapt every source to every target it has not seen, and compare the true order with the foretold ones.

    What was finished before is not done again.

    Returns
    -------
    list of dict
        One row for each scorer and control, see `table`.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    for target in request.targets:
        target.check(request.data)
    study = _Study(request, report, cancel)
    runs = [(seed, target) for seed in range(request.n_seeds) for target in request.targets]
    for number, (seed, target) in enumerate(runs):
        report(Progress(number, len(runs), f"seed {seed}, target {target.key}"))
        study.measure(target, seed)
    figures = [found for target in request.targets for found in study.figures(target)]
    rows = table(figures)
    document = {
        "settings": {"n_seeds": request.n_seeds, "is_family_only": request.is_family_only}
        | asdict(request.plan),
        "rows": rows,
        "targets": [one.describe() for one in figures],
    }
    text = json.dumps(marked(document), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    if rows:
        picture = png_with_mark(ranking_chart(rows).png)
        request.outputs.write(request.out / f"{NAME}.png", picture, PNG)
    return rows


class _Study:
    """What is found of each source on each target, one choice of tiles after the other."""

    def __init__(self, request: TransferRequest, report: Report, cancel: CancelToken) -> None:
        self._request = request
        self._cancel = cancel
        self._catalogue = Catalogue()
        self._transfers = KeptResults(Transfer, request.out / f"{NAME}-transfers.jsonl")
        readings = KeptResults(SourceReadings, request.out / f"{NAME}-readings.jsonl")
        held_out = request.out / "generalists"
        self._generalists = Generalists(
            held_out, request.recipes, request.data, outputs=request.outputs, report=report, cancel=cancel
        )
        self._scores = ScoreCache((request.recipes, held_out), request.data, readings, cancel)
        self._found: dict[str, dict[int, list[tuple[Source, Transfer, SourceReadings]]]] = {}

    def measure(self, target: LabelledSet, seed: int) -> None:
        """Adapt and measure every source on a target whose tiles are drawn from a seed."""
        request = self._request
        bench = TransferBench(target, request.data, request.plan, seed, self._transfers, self._cancel)
        found = self._found.setdefault(target.key, {}).setdefault(seed, [])
        try:
            for source in self._candidates(target, bench):
                found.append((source, bench.run(source), self._scores.measure(source, bench)))
        finally:
            bench.close()

    def _candidates(self, target: LabelledSet, bench: TransferBench) -> list[Source]:
        """Return who takes part: who has not seen the target, and a generalist that has not either."""
        found = bench.candidates(self._catalogue, is_family_only=self._request.is_family_only)
        generalist = self._generalists.for_target(
            target, lambda source: bench.has_run(source) and self._scores.has_measured(source, bench)
        )
        return found if generalist is None else [*found, generalist]

    def figures(self, target: LabelledSet) -> list[TargetFigures]:
        """Return what was found on one target, for each seed; nothing where fewer than two sources are."""
        by_seed = self._found[target.key]
        trials = {seed: {source.id: t.quality for source, t, _ in found} for seed, found in by_seed.items()}
        truth = _mean(list(trials.values()))
        if len(truth) < 2:
            return []
        return [
            TargetFigures(
                target,
                seed,
                truth,
                trials[seed],
                _mean([trial for other, trial in trials.items() if other != seed]),
                {source.id: read.known for source, _, read in found},
                {source.id: source for source, _, _ in found},
            )
            for seed, found in by_seed.items()
        ]


def _mean(many: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: fmean(one[name] for one in many) for name in many[0]} if many else {}
