"""Is a merged network better than the best of what it was made of? The benchmark ``merging``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io.documents import Document
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.merging.recipe import MergeMember, MergeRecipe
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.nets.device import choose_device
from napari_graft.nets.network import Network
from napari_graft.scorers.order import DECIDING, combined_ranks, family, in_order
from napari_graft.session.demo import split_for_test
from napari_graft.session.merge_target import ProjectMergeTarget
from napari_graft.session.merging import MergeWork, networks_of
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.training.fitting import Budget
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.bootstrap import hierarchical_bootstrap
from napari_graft.studies.results import KeptResults
from napari_graft.studies.score_cache import ScoreCache, SourceReadings
from napari_graft.studies.targets import LabelledSet
from napari_graft.studies.transfer import Transfer, TransferBench, TransferRequest, quality_of

if TYPE_CHECKING:
    import torch


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
    within = split_for_test(bench.project.manifest.shape).annotatable
    image = ProjectMergeTarget(bench.project, members, bench.seed, fitting.cancel, within)
    run, fitted = MergeWork(run, recipe, members, fitting, _budget(bench, bench.plan.steps), image).do()
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


FIRST, SECOND, BETTER = "first", "second", "better of the two"
NOTICEABLE = 0.01
"""Share of a score by which two must differ to count as better and worse."""


@dataclass(frozen=True, slots=True)
class MergeComparison:
    """Scores on one target with one choice of tiles: the sources alone and merged.

    Parameters
    ----------
    target, seed
        The target, as name and structure, and the seed that drew its tiles.
    sources
        The two that were merged, the first of the ranking first.
    scores
        By the keys of ``evaluate``, for each way: ``first`` and ``second`` are the sources trained alone.
    """

    target: str
    seed: int
    sources: tuple[str, str]
    scores: Mapping[str, Mapping[str, float]]

    @property
    def group(self) -> str:
        """What it is shown with: its family, but axons alone, which are judged by another score."""
        structure = self.target.rpartition("-")[2]
        return structure if structure == "axons" else family(structure)

    def qualities(self) -> dict[str, float]:
        """Return what each is judged by, higher is better; what turns out better of the two is one more."""
        found = {name: quality_of(self.target, dict(scores)) for name, scores in self.scores.items()}
        return found | {BETTER: max(found[FIRST], found[SECOND])}

    def gains(self) -> dict[str, float]:
        """Return how much better each is than the first source alone, as a share of its score."""
        found = self.qualities()
        return {name: (one - found[FIRST]) / max(abs(found[FIRST]), 1e-9) for name, one in found.items()}

    def gains_over_better(self) -> dict[str, float]:
        """Return how much better each is than the better of the two sources, as a share of its score."""
        found = self.qualities()
        best = found[BETTER]
        return {name: (one - best) / max(abs(best), 1e-9) for name, one in found.items()}


def table(comparisons: Sequence[MergeComparison]) -> list[dict[str, object]]:
    """Return a row for each way, over all targets and for each group.

    ``score`` is the mean of minus the VI (neurites) or of the mean AP (all others), which have no common
    scale over all targets; ``gain`` the median of `MergeComparison.gains`. ``better`` and ``worse`` count the
    contests in which it differs from the first source by more than `NOTICEABLE`. ``over_better`` is its mean
    gain over the better source of each contest, which nobody knows beforehand, with a 95 % interval over
    targets and their seeds, and ``n_over_better`` the number of targets on which its mean is better than that
    by more than `NOTICEABLE`.
    """
    groups: dict[str, list[MergeComparison]] = {"all": list(comparisons)}
    for one in comparisons:
        groups.setdefault(one.group, []).append(one)
    return [row for name, members in groups.items() for row in _rows(name, members)]


def _rows(group: str, comparisons: Sequence[MergeComparison]) -> list[dict[str, object]]:
    qualities = [one.qualities() for one in comparisons]
    gains = [one.gains() for one in comparisons]
    return [
        {
            "group": group,
            "way": way,
            "n": len(comparisons),
            "score": None if group == "all" else round(fmean(one[way] for one in qualities), 4),
            "gain": round(median(one[way] for one in gains), 4),
            "better": sum(one[way] > NOTICEABLE for one in gains),
            "worse": sum(one[way] < -NOTICEABLE for one in gains),
        }
        | _over_better(comparisons, way)
        for way in (qualities[0] if qualities else ())
    ]


def _over_better(comparisons: Sequence[MergeComparison], way: str) -> dict[str, object]:
    of_target: dict[str, list[float]] = {}
    for one in comparisons:
        of_target.setdefault(one.target, []).append(one.gains_over_better()[way])
    found = hierarchical_bootstrap(list(of_target.values()), np.random.default_rng(0))
    return {
        "over_better": round(found.mean, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "n_over_better": sum(fmean(gains) > NOTICEABLE for gains in of_target.values()),
    }


def make_ensemble(members: Sequence[Network]) -> Network:
    """Return a network that answers with the mean of the members' probabilities, on the grid of the first."""
    import torch

    class Ensemble(Network):
        def __init__(self) -> None:
            super().__init__()
            self.spec = members[0].spec
            self.members = torch.nn.ModuleList(members)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answers = torch.stack([torch.sigmoid(one(x)) for one in self.members])
            return torch.logit(answers.mean(0), eps=1e-6)

        def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
            return members[0].encode(x)

        def stored_weights(self) -> dict[str, NDArray[Any]]:
            return {k: np.asarray(v.detach().cpu()) for k, v in self.state_dict().items()}

    return Ensemble()
