"""The columns of the benchmark: what is done with a few tiles of a target, and how good it is then."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.nets.device import choose_device
from napari_graft.project.project import Project
from napari_graft.scorers.order import family
from napari_graft.session.annotation import read_tiles
from napari_graft.session.demo import mean_scores, read_truth
from napari_graft.session.models import SCRATCH, Model, load_model, model_of_source
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.pretraining import read_places
from napari_graft.session.projects.creation import make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.rank import candidate_sources, rank_sources
from napari_graft.session.suggestion import SuggestOptions, choose_tiles
from napari_graft.session.training.fitting import Budget, Fitted
from napari_graft.session.training.train import ProjectTask
from napari_graft.sources.catalogue import ANCESTOR, Catalogue
from napari_graft.sources.source import Source, trained_on
from napari_graft.studies.label_efficiency import random_forest
from napari_graft.studies.splitting import count_objects, require_objects, split_with_gap
from napari_graft.studies.targets import LabelledSet
from napari_graft.training.fine_tuning import FineTuning

MOST_TEST_TILES = 3
MOST_POOL_TILES = 48
"""Tiles that full supervision learns from at most."""
LONGER = 4
"""So many times the steps of ours."""


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """How every network is trained.

    Parameters
    ----------
    steps
        Training steps of ours, and of scratch with equal steps.
    tile
        Side of a tile; None for one that suits the objects, as the program proposes it.
    """

    steps: int = 200
    tile: int | None = None


class EfficiencyBench:
    """One target with one seed: its project, its order of sources, its tiles, and the scores of models.

    Parameters
    ----------
    target, data
        The labelled set, and the folder that holds all of them.
    plan, seed
        How networks are trained; the seed decides tiles, trainings and the random source.
    report, cancel
        Progress, and the token that stops the work.
    least_objects
        Of the test part.

    Raises
    ------
    InputError
        If the test part holds too few objects, or no source is left.
    """

    def __init__(
        self,
        target: LabelledSet,
        data: Path,
        plan: ArmPlan,
        seed: int,
        tools: tuple[Report, CancelToken],
        least_objects: int,
    ) -> None:
        self.target, self.plan, self.seed = target, plan, seed
        self.report, self.cancel = tools
        self.catalogue = Catalogue()
        # The images are nobody's to keep: they go when the work is done.
        self._folder = tempfile.TemporaryDirectory(prefix="napari-graft-")
        options, labels = target.prepare(data, Path(self._folder.name) / "sample")
        self.project: Project = make_project(Path(self._folder.name) / "target.graft", options)
        self.labels: Volume = open_labels(labels)
        self.split = split_with_gap(self.project.manifest.shape, MOST_TEST_TILES)
        self.n_test_objects = count_objects(self.labels, self.split.test)
        require_objects(target.key, self.n_test_objects, least_objects)
        self._named = str(data / target.name / target.image)
        self._ranked: list[Source] | None = None
        self._tiles: dict[tuple[str, int], list[Tile]] = {}

    def close(self) -> None:
        """Close the project, and remove it."""
        self.project.close()
        self._folder.cleanup()

    @property
    def ranked(self) -> list[Source]:
        """Sources of the family that have not seen the target, in the product's order, each in its view."""
        if self._ranked is None:
            unseen = [
                one
                for one in candidate_sources(self.catalogue)
                if one.card.spec.is_trainable
                and one.card.spec.ndim == 2
                and not trained_on(one, self._named)
                and family(one.card.structure) == family(self.target.structure)
            ]
            found = rank_sources(self.project, unseen, report=self.report, cancel=self.cancel)
            self._ranked = [entry.source for entry in found]
        return self._ranked

    def tiles(self, strategy: str, n: int) -> list[Tile]:
        """Return `n` tiles that a strategy chooses from the pool, looked at with the best source."""
        key = (strategy, n)
        if key not in self._tiles:
            request = SuggestOptions(
                n,
                self.plan.tile,
                strategy=strategy,
                source=self.ranked[0].id,
                seed=self.seed,
                within=self.split.annotatable,
            )
            chosen = choose_tiles(
                self.project, request, catalogue=self.catalogue, report=self.report, cancel=self.cancel
            )
            self._tiles[key] = [one.tile for one in chosen.suggestions]
        return self._tiles[key]

    def painted(self, strategy: str, n: int) -> list[LabelledTile]:
        """Return these tiles with their truth."""
        return read_tiles(self.project, self.labels, self.tiles(strategy, n))

    def adapt(self, start: Model, painted: Sequence[LabelledTile], steps: int) -> Model:
        """Return what the program makes of a start and annotated tiles.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        fitted = self.fit(start, painted, steps, FineTuning())
        return Model(start.name, fitted.network, fitted.decode)

    def fit(
        self, start: Model, painted: Sequence[LabelledTile], steps: int, fine_tuning: FineTuning
    ) -> Fitted:
        """Adapt a start to annotated tiles by a recipe; what that sees without labels is of the pool.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        task = ProjectTask(self.project, self.catalogue, self.report, self.cancel)
        fitting = replace(task.fitting(start.spec, painted), fine_tuning=fine_tuning)
        if fine_tuning.teacher:
            view = view_of(self.project, start.spec, self.cancel)
            places = read_places([view], self.seed, self.cancel, self.split.annotatable)
            fitting = replace(fitting, unlabelled=places)
        fitted = fitting.fit(start, Budget(None, steps, seed=self.seed))
        self.cancel.raise_if_cancelled()
        return fitted

    def tuned(self, start: Model, painted: Sequence[LabelledTile]) -> Model:
        """Return a model as it is, but for a decoding that was tuned on annotated tiles."""
        task = ProjectTask(self.project, self.catalogue, self.report, self.cancel)
        decode = task.fitting(start.spec, painted).tune(start.network, choose_device("auto"))
        return Model(start.name, start.network, decode)

    def scratch(self) -> Model:
        """Return fresh weights."""
        return load_model(SCRATCH, self.project, self.catalogue, seed=self.seed)

    def score(self, model: Model) -> dict[str, float]:
        """Return the scores of a model on the test part, by the keys of ``evaluate``."""
        return self.score_segments(segment_tiles(self.project, model, self.split.test, cancel=self.cancel))

    def score_segments(self, found: list[NDArray[np.uint32]]) -> dict[str, float]:
        """Return the scores of segments of the test tiles."""
        scores = mean_scores(found, [read_truth(self.labels, tile) for tile in self.split.test])
        return {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}


Arm = Callable[[EfficiencyBench, int], dict[str, float]]
"""Returns the scores on the test part, given the number of tiles."""


def _best(bench: EfficiencyBench) -> Model:
    return model_of_source(bench.ranked[0])


def _untouched(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(_best(bench))


def _decoding(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(bench.tuned(_best(bench), bench.painted("auto", n)))


def _ours(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(bench.adapt(_best(bench), bench.painted("auto", n), bench.plan.steps))


def _random_tiles(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(bench.adapt(_best(bench), bench.painted("random", n), bench.plan.steps))


def _scratch(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(bench.adapt(bench.scratch(), bench.painted("auto", n), bench.plan.steps))


def _scratch_longer(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return bench.score(bench.adapt(bench.scratch(), bench.painted("auto", n), LONGER * bench.plan.steps))


def _from(bench: EfficiencyBench, source: Source, n: int) -> dict[str, float]:
    start = model_of_source(source)
    return bench.score(bench.adapt(start, bench.painted("auto", n), bench.plan.steps))


def _ancestor(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return _from(bench, bench.catalogue.get(ANCESTOR), n)


def _worst(bench: EfficiencyBench, n: int) -> dict[str, float]:
    return _from(bench, bench.ranked[-1], n)


def _random_source(bench: EfficiencyBench, n: int) -> dict[str, float]:
    place = np.random.default_rng(bench.seed).integers(len(bench.ranked))
    return _from(bench, bench.ranked[place], n)


def _forest(bench: EfficiencyBench, n: int) -> dict[str, float]:
    volume = bench.project.volume
    painted = bench.painted("auto", n)

    def grey(tile: Tile) -> NDArray[np.float32]:
        return volume.read(tile).reshape(tile.shape[-2:])

    images = [grey(one.tile) for one in painted]
    annotations = [one.labels.reshape(image.shape) for one, image in zip(painted, images, strict=True)]
    forest = random_forest.train_forest(images, annotations, bench.target.structure, bench.seed)
    found = [forest.segment(grey(tile)).reshape(tile.shape) for tile in bench.split.test]
    return bench.score_segments(found)


def _full(bench: EfficiencyBench, n: int) -> dict[str, float]:
    painted = bench.painted("random", MOST_POOL_TILES)
    return bench.score(bench.adapt(_best(bench), painted, LONGER * bench.plan.steps))


ARMS: dict[str, Arm] = {
    "untouched": _untouched,
    "decoding": _decoding,
    "ours": _ours,
    "scratch": _scratch,
    "scratch longer": _scratch_longer,
    "random forest": _forest,
    "full": _full,
    "random tiles": _random_tiles,
    "ancestor": _ancestor,
    "worst source": _worst,
    "random source": _random_source,
}
"""All columns, those first without which a row says nothing."""
WITHOUT_TILES = frozenset({"untouched", "full"})
"""Columns that do not depend on the number of tiles."""
