"""How good each source is once it was adapted to a few tiles: the truth that a ranking foretells."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.documents import Document
from napari_graft.io.writers.outputs import Outputs
from napari_graft.metrics.scores import quality
from napari_graft.project.project import Project
from napari_graft.scorers.order import family
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.demo import mean_scores, read_truth, split_for_test
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import make_project
from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.session.training.fitting import Budget, Fitting
from napari_graft.session.training.train import ProjectTask
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import NetworkSpec
from napari_graft.sources.source import Source, trained_on
from napari_graft.studies.results import KeptResults
from napari_graft.studies.targets import RANKING_TARGETS, LabelledSet

MOST_TEST_TILES = 6


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """Plan of adapting sources, the same for each.

    Parameters
    ----------
    n_tiles, tile
        Annotated tiles, drawn at random from the seed, and their side.
    steps
        Training steps.
    """

    n_tiles: int = 4
    tile: int = 256
    steps: int = 60


class Transfer(Document):
    """Result of one source on one target.

    Parameters
    ----------
    target, seed, source, weights_sha256, decode, n_tiles, tile, steps
        What was asked for, by which it is known again; the decoding is that of the untouched source.
    zero_shot, adapted
        Scores on the test part by the keys of ``evaluate``, before and after the training.
    seconds, version
        How long it took, and with which version of napari-graft.
    """

    target: str
    seed: int
    source: str
    weights_sha256: str
    decode: dict[str, float]
    n_tiles: int
    tile: int
    steps: int
    zero_shot: dict[str, float]
    adapted: dict[str, float]
    seconds: float
    version: str

    @property
    def quality(self) -> float:
        """What the target is judged by after the training, higher is better; see `quality_of`."""
        return quality_of(self.target, self.adapted)


def quality_of(key: str, scores: dict[str, float]) -> float:
    """Return minus the VI for what fills the image (neurites), the mean AP for all others."""
    return quality(key.rpartition("-")[2], vi=scores["vi"], ap=scores["ap"])


@dataclass(frozen=True, slots=True)
class _Made:
    """The project of a target in its folder, the truth, and the tiles that are scored."""

    folder: tempfile.TemporaryDirectory[str]
    project: Project
    labels: Volume
    test: Sequence[Tile]


class TransferBench:
    """Adaptation of sources to one target, whose tiles are annotated from its truth.

    Parameters
    ----------
    target, data
        The labelled set, and the folder that holds all of them.
    plan, seed
        How sources are adapted; the seed draws the tiles and decides the training.
    kept
        Where finished results are kept.
    cancel
        The token that stops the work.
    """

    def __init__(
        self,
        target: LabelledSet,
        data: Path,
        plan: TransferPlan,
        seed: int,
        kept: KeptResults[Transfer],
        cancel: CancelToken,
    ) -> None:
        self.target = target
        self.plan = plan
        self.seed = seed
        self.named = str(data / target.name / target.image)
        self._kept = kept
        self._cancel = cancel
        self._data = data
        self._made: _Made | None = None

    @property
    def project(self) -> Project:
        """The project of the target with its tiles annotated, made when it is first asked for."""
        return self._make().project

    def close(self) -> None:
        """Close the project, and remove it: it can be made again in seconds."""
        if self._made is not None:
            self._made.project.close()
            self._made.folder.cleanup()

    def candidates(self, catalogue: Catalogue, *, is_family_only: bool) -> list[Source]:
        """Return the trainable 2-D sources that have not seen the target or its near relatives.

        With `is_family_only`, only those for its family of structures.

        Slices of a target need not follow each other, so that a 3-D source has nothing to look at.
        """
        return [
            one
            for one in candidate_sources(catalogue)
            if one.card.spec.is_trainable
            and one.card.spec.ndim == 2
            and not trained_on(one, self.named)
            and (not is_family_only or family(one.card.structure) == family(self.target.structure))
        ]

    def run(self, source: Source) -> Transfer:
        """Adapt a source and score it on the test part, or return what was found before.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        asked = self.asked(source)
        known = self._kept.find(asked)
        if known is not None:
            return known
        found = self._measure(source, asked)
        self._kept.add(found)
        return found

    def has_run(self, source: Source) -> bool:
        """Say whether `run` would find everything measured before."""
        return self._kept.find(self.asked(source)) is not None

    def _measure(self, source: Source, asked: dict[str, object]) -> Transfer:
        began = time.monotonic()
        start = model_of_source(source)
        zero_shot = self.score(start)
        fitted = self.fitting(start.spec).fit(start, Budget(None, self.plan.steps, seed=self.seed))
        self._cancel.raise_if_cancelled()
        adapted = self.score(Model(source.id, fitted.network, fitted.decode))
        seconds = round(time.monotonic() - began, 1)
        found = {"zero_shot": zero_shot, "adapted": adapted, "seconds": seconds}
        return Transfer.model_validate(asked | found | {"version": version("napari-graft")})

    def asked(self, source: Source) -> dict[str, object]:
        """Return what the result of a source is known again by."""
        return self.conditions | {
            "source": source.id,
            "weights_sha256": source.card.weights_sha256,
            "decode": source.card.decode,
        }

    @property
    def conditions(self) -> dict[str, object]:
        """What is the same for all that is tried on the target."""
        return {"target": self.target.key, "seed": self.seed, **asdict(self.plan)}

    def _make(self) -> _Made:
        if self._made is None:
            # The images are nobody's to keep: they go when the work is done.
            folder = tempfile.TemporaryDirectory(prefix="napari-graft-")
            options, labels = self.target.prepare(self._data, Path(folder.name) / "sample")
            project = make_project(Path(folder.name) / "target.graft", options)
            split = split_for_test(project.manifest.shape)
            self._made = _Made(folder, project, open_labels(labels), _spread(split.test))
            self._annotate(self._made, split.annotatable)
        return self._made

    def _annotate(self, made: _Made, annotatable: Tile) -> None:
        request = SuggestOptions(
            self.plan.n_tiles, self.plan.tile, strategy="random", seed=self.seed, within=annotatable
        )
        chosen = suggest_tiles(
            made.project, request, catalogue=Catalogue(), report=ignore_progress, cancel=self._cancel
        )
        annotate_from_labels(made.project, made.labels, [one.tile for one in chosen])

    def fitting(self, spec: NetworkSpec) -> Fitting:
        """Return how networks of a specification are adapted to the annotated tiles."""
        task = ProjectTask(self.project, Catalogue(), ignore_progress, self._cancel)
        return task.fitting(spec, task.annotated_tiles("training"))

    def score(self, model: Model) -> dict[str, float]:
        """Return the scores of a model on the test part, by the keys of ``evaluate``."""
        made = self._make()
        found = segment_tiles(made.project, model, made.test, cancel=self._cancel)
        truths = [read_truth(made.labels, tile) for tile in made.test]
        scores = mean_scores(found, truths)
        return {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}


def _spread(tiles: Sequence[Tile]) -> list[Tile]:
    """Return at most `MOST_TEST_TILES` tiles, spread evenly."""
    step = -(-len(tiles) // MOST_TEST_TILES)
    return list(tiles[::step])


_QUICK_STEPS = 6


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Request for a benchmark in which every labelled set plays the unknown image.

    Parameters
    ----------
    out
        Folder for the result and for all that is found on the way, which is used again; so are the results
        of the other benchmarks in it.
    data, recipes
        Folders with the labelled sets and with the recipes of the sources.
    n_seeds
        Choices of tiles and trainings.
    targets
        The sets.
    plan
        How networks are trained.
    is_family_only
        Whether only sources of the target's family are looked at.
    has_views
        Whether the ranking tries each source in several views, each as a candidate of its own.
    outputs
        What may be written where.
    """

    out: Path
    data: Path
    recipes: Path
    n_seeds: int = 1
    targets: tuple[LabelledSet, ...] = RANKING_TARGETS
    plan: TransferPlan = field(default_factory=TransferPlan)
    is_family_only: bool = True
    has_views: bool = False
    outputs: Outputs = field(default_factory=Outputs)

    def quick(self) -> TransferRequest:
        """Return a request for one target and hardly any training, to see whether it runs."""
        plan = replace(self.plan, steps=_QUICK_STEPS)
        return replace(self, targets=self.targets[:1], n_seeds=1, plan=plan)
