"""How good each source is once it was adapted to a few tiles: the truth that a ranking foretells."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.project.project import Project
from napari_graft.session.annotating import annotate_from_labels
from napari_graft.session.demo import mean_scores, read_truth
from napari_graft.session.examples import make_examples
from napari_graft.session.fitting import Budget, Fitting
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.projects import make_project
from napari_graft.session.ranking import candidate_sources
from napari_graft.session.segmenting import segment_tiles
from napari_graft.session.splitting import split_for_test
from napari_graft.session.suggesting import SuggestRequest, suggest_tiles
from napari_graft.session.views import view_of
from napari_graft.sources.card import FILLING_STRUCTURES
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.document import Document, write_document
from napari_graft.sources.exclude import trained_on
from napari_graft.sources.source import Source
from napari_graft.studies.kept import read_kept
from napari_graft.studies.targets import Target

MOST_TEST_TILES = 6


@dataclass(frozen=True, slots=True)
class TransferPlan:
    """Say how sources are adapted, the same way for each.

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
    """Keep what one source came to on one target.

    Parameters
    ----------
    target, seed, source, weights_sha256, n_tiles, tile, steps
        What was asked for, by which it is known again.
    zero_shot, adapted
        Scores on the test part by the keys of ``evaluate``, before and after the training.
    seconds
        How long it took.
    """

    target: str
    seed: int
    source: str
    weights_sha256: str
    n_tiles: int
    tile: int
    steps: int
    zero_shot: dict[str, float]
    adapted: dict[str, float]
    seconds: float

    @property
    def quality(self) -> float:
        """What the target is judged by after the training, higher is better; see `quality_of`."""
        return quality_of(self.target, self.adapted)


def quality_of(key: str, scores: dict[str, float]) -> float:
    """Return minus the VI for what fills the image (neurites), the mean AP for all others."""
    fills = key.rpartition("-")[2] in FILLING_STRUCTURES
    return -scores["vi"] if fills else scores["ap"]


class TransferBench:
    """Adapt sources to one target, whose tiles are annotated from its truth.

    Parameters
    ----------
    target, data
        The labelled set, and the folder that holds all of them.
    plan, seed
        How sources are adapted; the seed draws the tiles and decides the training.
    folder
        Where finished results are kept, one file a source.
    cancel
        The wish to stop.
    """

    def __init__(
        self, target: Target, data: Path, plan: TransferPlan, seed: int, folder: Path, cancel: CancelToken
    ) -> None:
        self.target = target
        self.plan = plan
        self.seed = seed
        self.named = str(data / target.name / target.image)
        self.folder = folder / f"{target.key}-seed{seed}"
        self._cancel = cancel
        options, labels = target.prepare(data, self.folder / "sample")
        shutil.rmtree(self.folder / "target.graft", ignore_errors=True)
        self.project: Project = make_project(self.folder / "target.graft", options)
        self._labels: Volume = open_labels(labels)
        split = split_for_test(self.project.manifest.shape)
        self._test = _spread(split.test)
        self._annotate(split.annotatable)

    def close(self) -> None:
        """Close the project, and remove it: it can be made again in seconds."""
        self.project.close()
        shutil.rmtree(self.folder / "target.graft", ignore_errors=True)

    def candidates(self, catalogue: Catalogue) -> list[Source]:
        """Return the sources that have not seen the target or its near relatives."""
        return [one for one in candidate_sources(catalogue) if not trained_on(one, self.named)]

    def run(self, source: Source) -> Transfer:
        """Adapt a source and score it on the test part, or return what was found before.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        path = self.folder / f"{source.id}.json"
        asked = self._asked(source)
        known = read_kept(Transfer, path, asked)
        if known is not None:
            return known
        found = self._measure(source, asked)
        write_document(path, found)
        return found

    def _measure(self, source: Source, asked: dict[str, object]) -> Transfer:
        began = time.monotonic()
        start = model_of_source(source)
        zero_shot = self._score(start)
        tiles = self.project.annotations.labelled_tiles()
        examples = make_examples(view_of(self.project, start.spec), tiles)
        fitting = Fitting(examples, self.target.structure, ignore_progress, self._cancel)
        fitted = fitting.fit(start, Budget(None, self.plan.steps, seed=self.seed))
        self._cancel.raise_if_cancelled()
        adapted = self._score(Model(source.id, fitted.network, fitted.decode))
        seconds = round(time.monotonic() - began, 1)
        return Transfer.model_validate(
            asked | {"zero_shot": zero_shot, "adapted": adapted, "seconds": seconds}
        )

    def _asked(self, source: Source) -> dict[str, object]:
        return {
            "target": self.target.key,
            "seed": self.seed,
            "source": source.id,
            "weights_sha256": source.card.weights_sha256,
            "n_tiles": self.plan.n_tiles,
            "tile": self.plan.tile,
            "steps": self.plan.steps,
        }

    def _annotate(self, annotatable: Tile) -> None:
        request = SuggestRequest(
            self.plan.n_tiles, self.plan.tile, strategy="random", seed=self.seed, within=annotatable
        )
        chosen = suggest_tiles(
            self.project, request, catalogue=Catalogue(), report=ignore_progress, cancel=self._cancel
        )
        annotate_from_labels(self.project, self._labels, [one.tile for one in chosen])

    def _score(self, model: Model) -> dict[str, float]:
        found = segment_tiles(self.project, model, self._test, cancel=self._cancel)
        truths = [read_truth(self._labels, tile) for tile in self._test]
        scores = mean_scores(found, truths)
        return {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}


def _spread(tiles: Sequence[Tile]) -> list[Tile]:
    """Return at most `MOST_TEST_TILES` tiles, spread evenly."""
    step = -(-len(tiles) // MOST_TEST_TILES)
    return list(tiles[::step])
