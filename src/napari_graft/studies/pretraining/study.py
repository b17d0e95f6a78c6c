"""Does it pay to prepare a source on unlabelled images? The benchmark ``pretraining``."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.fingerprints.fingerprint import common_encoder
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import Outputs
from napari_graft.nets.build import build_network, trainable
from napari_graft.nets.device import choose_device
from napari_graft.pretraining.config import PretrainResult
from napari_graft.pretraining.pretrainer import Pretrainer, PretrainingData
from napari_graft.pretraining.record import DEFAULT_OBJECTIVE, DEFAULT_REPLAY
from napari_graft.pretraining.registry import OBJECTIVES, REPLAYS
from napari_graft.pretraining.replay import ReplayContext
from napari_graft.scorers.distances import general_closeness
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.session.demo import split_for_test
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.pretraining import patch_of, pretrain_config, read_places
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.evidence import project_target
from napari_graft.session.training.fitting import Budget, Fitting, train_config
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.pretraining.table import LONGER, UNTOUCHED, Prepared, table
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import RANKING_TARGETS, LabelledSet, collection_of, sets_called
from napari_graft.studies.transfer import Transfer, TransferBench, TransferPlan

NAME = "pretraining"


@dataclass(frozen=True, slots=True)
class Arm:
    """What is done to a source before it learns from the tiles.

    Parameters
    ----------
    name
        Column of the table.
    objective
        Self-supervision, None for none.
    replay
        Streams, none for none.
    is_on_other_images
        Whether the images are those of another set.
    is_longer
        Whether it is not prepared, but learns from the tiles for as much longer as a pretraining takes.
    is_ancestor
        Whether it starts from the network that has seen generated images alone.
    """

    name: str
    objective: str | None = None
    replay: tuple[str, ...] = ()
    is_on_other_images: bool = False
    is_longer: bool = False
    is_ancestor: bool = False

    @property
    def is_prepared(self) -> bool:
        """Whether there is a pretraining."""
        return self.objective is not None or bool(self.replay)


DEFAULT = "default"
ARMS = (
    Arm(UNTOUCHED),
    Arm(DEFAULT, DEFAULT_OBJECTIVE, DEFAULT_REPLAY),
    Arm("moco, generated (faithful)", "moco", ("generated",)),
    Arm("replay only", None, ("generated", "distillation")),
    Arm("self-supervision only", "masked", ()),
    Arm("distillation only", None, ("distillation",)),
    Arm(LONGER, is_longer=True),
    Arm("masked, distillation", "masked", ("distillation",)),
    Arm("default on another set's images", DEFAULT_OBJECTIVE, DEFAULT_REPLAY, is_on_other_images=True),
    Arm("dense, generated, distillation", "dense", ("generated", "distillation")),
    Arm("generated ancestor", is_ancestor=True),
)


@dataclass(frozen=True, slots=True)
class PretrainingRequest:
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
        Numbers of annotated tiles, one after the other.
    arms
        What is compared.
    pretrain_steps
        Steps of a pretraining.
    plan
        How sources are adapted; its number of tiles is not looked at.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    n_seeds: int = 1
    targets: tuple[LabelledSet, ...] = RANKING_TARGETS
    n_tiles: tuple[int, ...] = (1, 4)
    arms: tuple[Arm, ...] = ARMS
    pretrain_steps: int = 150
    plan: TransferPlan = field(default_factory=lambda: TransferPlan(steps=40))
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> PretrainingRequest:
        """Return a request for one target and hardly any training, to see whether it runs."""
        plan = replace(self.plan, steps=4)
        return replace(self, targets=self.targets[:1], n_seeds=1, n_tiles=(1,), pretrain_steps=4, plan=plan)

    def only(self, names: Sequence[str]) -> PretrainingRequest:
        """Return the request for some sets, named by themselves or by what is segmented in them.

        Raises
        ------
        InputError
            If there is no such set.
        """
        return replace(self, targets=sets_called(self.targets, names))


def run_pretraining(
    request: PretrainingRequest, *, report: Report, cancel: CancelToken
) -> list[dict[str, object]]:
    """Adapt a source to every target after each kind of preparation, and compare with the untouched one.

    The source is, of those of the target's family that have not seen it, the one whose training images lie
    nearest to it in the common encoder. What is prepared sees the part of the images that may be annotated,
    and no label. What was finished before is not done again.

    Returns
    -------
    list of dict
        See `table`.

    Raises
    ------
    InputError
        If a set is missing.
    Cancelled
        When asked to stop; the finished results are kept.
    """
    for target in request.targets:
        target.check(request.data)
    kept = KeptResults(Prepared, request.out / f"{NAME}-runs.jsonl")
    runs = [(seed, target) for seed in range(request.n_seeds) for target in request.targets]
    found: list[Prepared] = []
    for number, (seed, target) in enumerate(runs):
        report(Progress(number, len(runs), f"seed {seed}, target {target.key}"))
        study = _TargetStudy(request, target, seed, kept, cancel)
        found += study.run(lambda words, at=number: report(Progress(at, len(runs), words)))  # type: ignore[misc]
    rows = table(found, [arm.name for arm in request.arms])
    settings = {"n_seeds": request.n_seeds, "pretrain_steps": request.pretrain_steps, **asdict(request.plan)}
    document = {
        "settings": settings | {"n_tiles": request.n_tiles},
        "rows": rows,
        "runs": [one.model_dump(mode="json") for one in found],
    }
    text = json.dumps(marked(document), indent=2)
    request.outputs.write(request.out / f"{NAME}.json", f"{text}\n", JSON)
    return rows


def _tell(report: Report, done: int, total: int, words: str) -> None:
    report(Progress(done, total, words))


class _TargetStudy:
    """What is found on one target with one seed."""

    def __init__(
        self,
        request: PretrainingRequest,
        target: LabelledSet,
        seed: int,
        kept: KeptResults[Prepared],
        cancel: CancelToken,
    ) -> None:
        self._request, self._target, self._seed = request, target, seed
        self._kept, self._cancel = kept, cancel
        self._prepared: dict[str, PretrainResult] = {}
        self._chosen: Source | None = None

    def run(self, tell: Callable[[str], None]) -> list[Prepared]:
        """Return the results of all arms for each number of tiles; none where no source suits."""
        found = []
        for n_tiles in self._request.n_tiles:
            bench = self._bench(self._target, n_tiles)
            try:
                if self._source(bench) is None:
                    return []
                for arm in self._request.arms:
                    tell(f"{self._target.key}, seed {self._seed}, {n_tiles} tiles: {arm.name}")
                    found.append(self._result(bench, arm))
            finally:
                bench.close()
        return found

    def _bench(self, target: LabelledSet, n_tiles: int) -> TransferBench:
        request = self._request
        plan = replace(request.plan, n_tiles=n_tiles)
        none: KeptResults[Transfer] = KeptResults(Transfer, request.out / f"{NAME}-transfers.jsonl")
        return TransferBench(target, request.data, plan, self._seed, none, self._cancel)

    def _source(self, bench: TransferBench, *, is_ancestor: bool = False) -> Source | None:
        """Return the source that all arms prepare, or the network that it descends from."""
        if self._chosen is None:
            found = bench.candidates(Catalogue(), is_family_only=True)
            self._chosen = nearest(found, bench, self._cancel)
        if self._chosen is None or not is_ancestor:
            return self._chosen
        return Catalogue().get(self._chosen.card.ancestor or ANCESTOR)

    def _result(self, bench: TransferBench, arm: Arm) -> Prepared:
        source = self._source(bench, is_ancestor=arm.is_ancestor)
        assert source is not None
        asked = self._asked(bench, arm, source)
        known = self._kept.find(asked)
        if known is not None:
            return known
        model = model_of_source(source)
        result = self._prepare(bench, arm, model) if arm.is_prepared else None
        began = time.monotonic()
        made = _adapt(bench, arm, self._start(model, result), self._request.pretrain_steps)
        self._cancel.raise_if_cancelled()
        spent = {"seconds": round(time.monotonic() - began, 1), "version": version("napari-graft")}
        found = Prepared.model_validate(asked | _of_pretraining(result) | made | spent)
        self._kept.add(found)
        return found

    def _asked(self, bench: TransferBench, arm: Arm, source: Source) -> dict[str, object]:
        return bench.conditions | {
            "arm": arm.name,
            "objective": arm.objective,
            "replay": arm.replay,
            "source": source.id,
            "weights_sha256": source.card.weights_sha256,
            "pretrain_steps": self._request.pretrain_steps,
        }

    def _start(self, model: Model, result: PretrainResult | None) -> Model:
        if result is None:
            return model
        spec = trainable(model.network, model.name).spec
        return Model(model.name, build_network(spec, result.weights), model.decode, model.source)

    def _prepare(self, bench: TransferBench, arm: Arm, model: Model) -> PretrainResult:
        """Prepare the source; the number of annotated tiles makes no difference."""
        if arm.name not in self._prepared:
            self._prepared[arm.name] = self._prepare_anew(bench, arm, model)
        return self._prepared[arm.name]

    def _prepare_anew(self, bench: TransferBench, arm: Arm, model: Model) -> PretrainResult:
        network = trainable(model.network, model.name)
        places = self._places(bench, arm, model)
        context = ReplayContext(
            network,
            places,
            patch_of(network.spec),
            self._target.structure,
            common=common_encoder(Catalogue()),
            seed=self._seed,
            cancel=self._cancel,
        )
        streams = [REPLAYS[name](context) for name in arm.replay]
        objective = OBJECTIVES[arm.objective or DEFAULT_OBJECTIVE]
        config = pretrain_config(network.spec, Budget(None, self._request.pretrain_steps, "cpu", self._seed))
        if arm.objective is None:
            config = replace(config, self_supervised_steps=0)
        if not streams:
            config = replace(config, replay_steps=0)
        pretrainer = Pretrainer(config, choose_device("auto"))
        data = PretrainingData(places, objective, streams)
        return pretrainer.fit(network, data, report=ignore_progress, cancel=self._cancel)

    def _places(self, bench: TransferBench, arm: Arm, model: Model) -> list[NDArray[np.float32]]:
        if not arm.is_on_other_images:
            return _places_of(bench, model, self._seed, self._cancel)
        other = self._bench(another_set(self._target), 1)
        try:
            return _places_of(other, model, self._seed, self._cancel)
        finally:
            other.close()


def _places_of(
    bench: TransferBench, model: Model, seed: int, cancel: CancelToken
) -> list[NDArray[np.float32]]:
    within = split_for_test(bench.project.manifest.shape).annotatable
    return read_places([view_of(bench.project, model.spec, cancel)], seed, cancel, within)


def another_set(target: LabelledSet) -> LabelledSet:
    """Return the next set of the ranking benchmark of another collection: its images are of another kind."""
    relatives = collection_of(target.name)[1]
    names = [one.key for one in RANKING_TARGETS]
    at = names.index(target.key) if target.key in names else 0
    others = [*RANKING_TARGETS[at + 1 :], *RANKING_TARGETS[:at]]
    return next(one for one in others if one.name not in relatives)


def nearest(candidates: Sequence[Source], bench: TransferBench, cancel: CancelToken) -> Source | None:
    """Return the source whose training images lie nearest in the common encoder, None where there is none.

    One of which that is not known comes last.
    """
    compute = ComputeContext(choose_device("auto"), cancel)
    target = project_target(bench.project, compute)
    found: list[tuple[float, Source]] = []
    for source in candidates:
        model = model_of_source(source)
        context = ScoringContext(source, model.network, model.decode, target, compute)
        value = general_closeness(context)
        found.append((-math.inf if value is None else value, source))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _adapt(bench: TransferBench, arm: Arm, start: Model, pretrain_steps: int) -> dict[str, object]:
    fitting = bench.fitting(start.spec)
    steps = bench.plan.steps
    if arm.is_longer:
        steps += _equal_steps(fitting, start, pretrain_steps)
    fitted = fitting.fit(start, Budget(None, steps, seed=bench.seed))
    scores = bench.score(Model(start.name, fitted.network, fitted.decode))
    return {"scores": scores, "share": fitted.share}


def _equal_steps(fitting: Fitting, start: Model, pretrain_steps: int) -> int:
    """Return how many steps on the tiles see as many pixels as a pretraining."""
    budget = Budget(None, 1)
    on_tiles = train_config(start.spec, budget)
    before = pretrain_config(start.spec, budget)
    share = np.prod(before.patch) * before.batch_size / (np.prod(on_tiles.patch) * on_tiles.batch_size)
    return max(1, round(pretrain_steps * float(share)))


def _of_pretraining(result: PretrainResult | None) -> dict[str, object]:
    if result is None:
        return {}
    return {
        "best_step": result.best_step,
        "check_before": result.history[0].check,
        "check_after": result.history[-1].check,
        "pretrain_seconds": round(result.seconds, 1),
    }
