"""Is a merged network better than the best of what it was made of? The benchmark ``merging``."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from importlib.metadata import version

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.file_kinds import JSON
from napari_graft.io.marks import marked
from napari_graft.merging.methods import MERGE_METHODS
from napari_graft.merging.recipe import MergeMember, MergeRecipe
from napari_graft.nets.device import choose_device
from napari_graft.scorers.order import DECIDING, combined_ranks, in_order
from napari_graft.session.fitting import Budget
from napari_graft.session.merge_work import MergeWork, networks_of
from napari_graft.session.models import Model, model_of_source
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.document import Document
from napari_graft.sources.source import Source
from napari_graft.studies.ensemble import make_ensemble
from napari_graft.studies.kept import KeptResults
from napari_graft.studies.merging_table import MergeComparison, table
from napari_graft.studies.readings import ScoreCache, SourceReadings
from napari_graft.studies.request import TransferRequest
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import Transfer, TransferBench

NAME = "merging"
ENSEMBLE = "ensemble"
"""Not one network but two that are asked at once, each trained for half of the steps."""

Pair = tuple[Source, Source]


class Merge(Document):
    """Result of two merged sources on one target.

    Parameters
    ----------
    target, seed, sources, weights_sha256s, method, n_tiles, tile, steps
        What was asked for, by which it is known again.
    scores
        On the test part, by the keys of ``evaluate``.
    share_of_first, decided
        Share of the first source in all filters, and of the filters that are of one source alone.
    seconds, version
        How long it took, and with which version of napari-graft.
    """

    target: str
    seed: int
    sources: tuple[str, str]
    weights_sha256s: tuple[str, str]
    method: str
    n_tiles: int
    tile: int
    steps: int
    scores: dict[str, float]
    share_of_first: float | None = None
    decided: float | None = None
    seconds: float
    version: str


def run_merging(request: TransferRequest, *, report: Report, cancel: CancelToken) -> list[dict[str, object]]:
    """Merge the two sources that the ranking puts first, and compare with each of them trained alone.

    Labels and steps are the same for all. What was finished before is not done again.

    Returns
    -------
    list of dict
        One row for each way of merging and control, over all targets and for each group; see `table`.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    for target in request.targets:
        target.check(request.data)
    study = _Study(request, cancel)
    runs = [(seed, target) for seed in range(request.n_seeds) for target in request.targets]
    comparisons = []
    for number, (seed, target) in enumerate(runs):
        report(Progress(number, len(runs), f"seed {seed}, target {target.key}"))
        comparison = study.comparison(target, seed)
        comparisons += [] if comparison is None else [comparison]
    rows = table(comparisons)
    document = {
        "settings": {"n_seeds": request.n_seeds} | asdict(request.plan),
        "rows": rows,
        "contests": [asdict(one) for one in comparisons],
    }
    text = json.dumps(marked(document), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


class _Study:
    """What is found of each pair on each target."""

    def __init__(self, request: TransferRequest, cancel: CancelToken) -> None:
        self._request = request
        self._cancel = cancel
        self._catalogue = Catalogue()
        self._transfers = KeptResults(Transfer, request.out / "ranking-transfers.jsonl")
        readings = KeptResults(SourceReadings, request.out / "ranking-readings.jsonl")
        self._scores = ScoreCache((request.recipes,), request.data, readings, cancel)
        self._merges = KeptResults(Merge, request.out / f"{NAME}-runs.jsonl")

    def comparison(self, target: LabelledSet, seed: int) -> MergeComparison | None:
        """Return what all come to on one target; None where there are not two sources for it."""
        request = self._request
        bench = TransferBench(target, request.data, request.plan, seed, self._transfers, self._cancel)
        try:
            pair = self._pair(bench)
            if pair is None:
                return None
            scores = {"first": bench.run(pair[0]).adapted, "second": bench.run(pair[1]).adapted}
            for method in (*MERGE_METHODS, ENSEMBLE):
                scores[method] = self._merge(bench, pair, method).scores
            return MergeComparison(target.key, seed, (pair[0].id, pair[1].id), scores)
        finally:
            bench.close()

    def _pair(self, bench: TransferBench) -> Pair | None:
        """Return the two sources that the ranking puts first once the tiles are annotated."""
        found = bench.candidates(self._catalogue, is_family_only=self._request.is_family_only)
        sources = {one.id: one for one in found}
        if len(sources) < 2:
            return None
        readings = {name: self._scores.measure(source, bench).known for name, source in sources.items()}
        first, second, *_ = in_order(sources, combined_ranks(readings, DECIDING))
        return sources[first], sources[second]

    def _merge(self, bench: TransferBench, pair: Pair, method: str) -> Merge:
        asked = _asked(bench, pair, method)
        known = self._merges.find(asked)
        if known is not None:
            return known
        began = time.monotonic()
        model, made = _ensemble(bench, pair) if method == ENSEMBLE else _merged(bench, pair, method)
        self._cancel.raise_if_cancelled()
        scores = bench.score(model)
        spent = {"seconds": round(time.monotonic() - began, 1), "version": version("napari-graft")}
        found = Merge.model_validate(asked | made | {"scores": scores} | spent)
        self._merges.add(found)
        return found


def _asked(bench: TransferBench, pair: Pair, method: str) -> dict[str, object]:
    return bench.conditions | {
        "sources": tuple(one.id for one in pair),
        "weights_sha256s": tuple(one.card.weights_sha256 for one in pair),
        "method": method,
    }


def _merged(bench: TransferBench, pair: Pair, method: str) -> tuple[Model, dict[str, object]]:
    members = {one.id: model_of_source(one) for one in pair}
    made_of = (MergeMember(reference=one.id, weights_sha256=one.card.weights_sha256) for one in pair)
    recipe = MergeRecipe(method=method, members=tuple(made_of))
    spec = networks_of(members)[pair[0].id].spec
    fitting = bench.fitting(spec)
    run = bench.project.new_run(recipe.title, spec, merge=recipe)
    run, fitted = MergeWork(run, recipe, members, fitting, _budget(bench, bench.plan.steps)).do()
    assert run.record.merge is not None
    merge = run.record.merge
    made: dict[str, object] = {"share_of_first": merge.shares[0], "decided": merge.decided}
    return Model(recipe.title, fitted.network, fitted.decode), made


def _ensemble(bench: TransferBench, pair: Pair) -> tuple[Model, dict[str, object]]:
    """Train each for half of the steps, on the grid of the first, so that it costs what a merge costs."""
    fitting = bench.fitting(pair[0].card.spec)
    half = _budget(bench, max(1, bench.plan.steps // 2))
    trained = [fitting.fit(model_of_source(one), half) for one in pair]
    ensemble = make_ensemble([one.network for one in trained])
    decode = fitting.tune(ensemble, choose_device(half.device))
    return Model(ENSEMBLE, ensemble, decode), {}


def _budget(bench: TransferBench, steps: int) -> Budget:
    return Budget(None, steps, seed=bench.seed)
