"""The whole loop without a screen: rank, suggest, annotate, train, predict, evaluate, repeat."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.io import Volume, open_labels
from napari_graft.io.labels import MaskMeaning
from napari_graft.metrics import evaluate
from napari_graft.nets.device import choose_device
from napari_graft.project.manifest import MANIFEST
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.recipes.samples import TEST_SHARE
from napari_graft.session.annotation import annotate_from_labels, read_tiles
from napari_graft.session.demo_output import (
    PROJECT,
    is_demo_project,
    make_demo_project,
    mark_demo_project,
    remove_demo_project,
)
from napari_graft.session.models import SCRATCH, Model, load_model, model_of_run
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import ImageOptions
from napari_graft.session.projects.project_image import unknown_pixel_size, view_of
from napari_graft.session.ranking.rank import RankedSource, candidate_sources, rank_sources, unseen_sources
from napari_graft.session.ranking.source_map import map_sources
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.session.training.fitting import Budget, Fitting, make_examples
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

Segments = NDArray[np.uint32]

LONGER = 4
"""So many times the steps of the adapted model a last training from scratch has."""


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """Request for a demonstration.

    Parameters
    ----------
    out
        Folder for the project and the report.
    image, labels
        An image with its whole truth.
    options
        What the image's file does not say.
    exclude
        Sources to leave out, beside those that were trained on the image or its set.
    n_rounds, n_tiles
        Rounds, and tiles annotated in each.
    seconds, steps
        Training of a round: its time, its number of steps, or whichever comes first.
    seed
        Decides all that is random.
    tile
        Side of a tile.
    mask
        What a mask given as labels is; see `open_labels`.
    label_axes
        Axes of the labels where they are not those of the image.
    named
        What the user called the image, by which sources that have seen it are known.
    is_embedded
        Whether the image is the generated sample.
    """

    out: Path
    labels: str
    options: ImageOptions
    exclude: tuple[str, ...] = ()
    n_rounds: int = 2
    n_tiles: int = 4
    seconds: float | None = 60.0
    steps: int | None = None
    seed: int = 0
    tile: int = 256
    mask: MaskMeaning | None = None
    label_axes: str | None = None
    named: str = ""
    is_embedded: bool = False

    def __post_init__(self) -> None:
        if self.n_rounds < 1 or self.n_tiles < 1:
            raise InputError(
                f"{self.n_rounds} rounds of {self.n_tiles} tiles show nothing: ask for at least 1 of each"
            )
        SuggestOptions(self.n_tiles, self.tile, seed=self.seed)
        Budget(self.seconds, self.steps, seed=self.seed)


@dataclass(slots=True)
class DemoResult:
    """What a demonstration found, for the report.

    Parameters
    ----------
    ranking
        Sources, best first.
    source_map
        Them and the image, None where they could not be mapped.
    excluded
        Sources left out because they have seen the image or its set, and those that the user named.
    zero_shot, rounds, scratch
        Scores on the test part: of the untouched best source, after each round, and from scratch with the
        same tiles and as many steps.
    scratch_longer
        The same with all tiles, trained `LONGER` times as long: who learns faster need not end better.
    held_out
        What each round's training measured on the held-out part, by ``round N``.
    suggestions
        Tiles of each round with their reasons.
    segments
        Segments of the test tiles by the name of the model.
    seconds
        Time of the whole loop.
    """

    ranking: list[RankedSource] = field(default_factory=list)
    source_map: SourceMap | None = None
    excluded: list[str] = field(default_factory=list)
    zero_shot: dict[str, object] = field(default_factory=dict)
    rounds: list[dict[str, object]] = field(default_factory=list)
    scratch: list[dict[str, object]] = field(default_factory=list)
    scratch_longer: dict[str, object] = field(default_factory=dict)
    held_out: dict[str, dict[str, float]] = field(default_factory=dict)
    suggestions: list[tuple[int, Tile, float, str]] = field(default_factory=list)
    segments: dict[str, list[Segments]] = field(default_factory=dict)
    seconds: float = 0.0


class Demo:
    """Demonstration of the whole loop, with the labels of a label image.

    Parameters
    ----------
    request
        What to show.
    report, cancel
        Progress, and the token that stops the work.
    """

    def __init__(self, request: DemoRequest, report: Report, cancel: CancelToken) -> None:
        self.request = request
        self.result = DemoResult()
        self.catalogue = Catalogue()
        self._report = report
        self._cancel = cancel
        # A mistyped name is told before an earlier demonstration makes way.
        candidate_sources(self.catalogue, request.exclude)
        axes = request.label_axes or request.options.axes
        self.labels = open_labels(request.labels, axes=axes, mask=request.mask)
        self.project = self._fresh_project()
        self.split: TestSplit = split_for_test(self.project.manifest.shape)
        self.device = choose_device("auto").type
        self._steps = 0

    def _fresh_project(self) -> Project:
        shape = self.request.options.choice.open().shape
        if shape != self.labels.shape:
            raise InputError(
                f"the label image has shape {self.labels.shape}, the image {shape}: "
                "give labels of the same image at the same resolution"
            )
        folder = self.request.out / PROJECT
        if (folder / MANIFEST).is_file():
            # Refused while another demonstration is at work in it.
            open_project(folder, write=True).close()
            if not is_demo_project(folder):
                raise InputError(
                    f"{folder} is a project that no demonstration made, or that was worked in since: "
                    "choose another folder"
                )
            remove_demo_project(folder)
        return make_demo_project(folder, self.request.options)

    def run(self) -> DemoResult:
        """Run the loop and return what it found.

        Raises
        ------
        InputError
            If the image, labels or sources cannot be used.
        Cancelled
            When asked to stop.
        """
        began = time.monotonic()
        if self.project.manifest.pixel_size is None and not self.request.is_embedded:
            self._report(Progress(0, None, unknown_pixel_size(self.project.manifest)))
        with self.project:
            best = self._rank()
            model = load_model(best, self.project, self.catalogue)
            self.result.zero_shot = {"source": best, "n_tiles": 0} | self._score("source as it is", model)
            for number in range(1, self.request.n_rounds + 1):
                self._annotate(number)
                steps = self._adapt(number, best)
                self.result.scratch.append(self._from_scratch(number, steps))
            self.result.scratch_longer = self._from_scratch(
                self.request.n_rounds, LONGER * steps, " for longer"
            )
        self.result.seconds = round(time.monotonic() - began, 1)
        return self.result

    def _rank(self) -> str:
        request = self.request
        unseen, seen = unseen_sources(self.project, self.catalogue, request.exclude, named=request.named)
        self.result.excluded = [*request.exclude, *(source.id for source in seen)]
        # A finished network of another program is no start.
        starts = [source for source in unseen if source.card.spec.is_trainable]
        self.result.ranking = rank_sources(self.project, starts, report=self._report, cancel=self._cancel)
        ranked = [entry.source for entry in self.result.ranking]
        self.result.source_map = map_sources(ranked, self.project, report=self._report, cancel=self._cancel)
        return ranked[0].id

    def _annotate(self, number: int) -> None:
        request = SuggestOptions(
            self.request.n_tiles, self.request.tile, seed=self.request.seed, within=self.split.annotatable
        )
        chosen = suggest_tiles(
            self.project, request, catalogue=self.catalogue, report=self._report, cancel=self._cancel
        )
        tiles = [suggestion.tile for suggestion in chosen]
        mark_demo_project(self.project, read_tiles(self.project, self.labels, tiles))
        annotate_from_labels(self.project, self.labels, tiles)
        mark_demo_project(self.project)
        for suggestion in chosen:
            entry = (number, suggestion.tile, float(suggestion.score), suggestion.reason)
            self.result.suggestions.append(entry)

    def _adapt(self, number: int, best: str) -> int:
        task = TrainingTask(self.project, self.catalogue, self._report, self._cancel)
        start = "latest" if self.project.latest_run() is not None else best
        mark_demo_project(self.project, n_more_runs=1)
        trained = task.run(start, self._budget(number))
        mark_demo_project(self.project)
        self._cancel.raise_if_cancelled()
        self._steps += trained.steps
        self.result.held_out[f"round {number}"] = trained.validation
        latest = self.project.latest_run()
        model = load_model(best, self.project, self.catalogue) if latest is None else model_of_run(latest)
        name = f"adapted, {trained.n_tiles} tiles"
        self.result.rounds.append(
            {
                "n_tiles": trained.n_tiles,
                "source": best,
                "seconds": trained.seconds,
                "steps": trained.steps,
                "total_steps": self._steps,
                "kept": trained.kept,
                "share": trained.share,
                "choice": trained.choice,
            }
            | self._score(name, model)
        )
        return self._steps

    def _budget(self, number: int) -> Budget:
        request = self.request
        return Budget(request.seconds, request.steps, seed=request.seed + number)

    def _from_scratch(self, number: int, steps: int, how: str = "") -> dict[str, object]:
        """Train fresh weights on the same tiles, with as many steps as the adapted model has had in all."""
        start = load_model(SCRATCH, self.project, self.catalogue, seed=self.request.seed)
        tiles = self.project.annotations.labelled_tiles()
        examples = make_examples(view_of(self.project, start.spec), tiles)
        self._report(Progress(0, None, f"training from scratch{how}, to compare"))
        fitting = Fitting(examples, self.project.manifest.structure, self._report, self._cancel)
        # At least one: the time of a round may have been too short for any.
        fitted = fitting.fit(start, Budget(None, max(1, steps), seed=self.request.seed + number))
        self._cancel.raise_if_cancelled()
        model = Model(SCRATCH, fitted.network, fitted.decode)
        done = {"steps": fitted.result.steps, "seconds": round(fitted.result.seconds, 2)}
        return {"n_tiles": len(tiles), **done, **self._score(f"from scratch{how}, {len(tiles)} tiles", model)}

    def _score(self, name: str, model: Model) -> dict[str, object]:
        self._report(Progress(0, None, f"scoring: {name}"))
        found = segment_tiles(self.project, model, self.split.test, cancel=self._cancel)
        self.result.segments[name] = found
        return mean_scores(found, [self.truth(tile) for tile in self.split.test])

    def truth(self, tile: Tile) -> Segments:
        """Return the truth of a tile."""
        return read_truth(self.labels, tile)


def read_truth(labels: Volume, tile: Tile) -> Segments:
    """Return the labels of a tile, uint32."""
    return np.asarray(labels.read_raw(tile)).astype(np.uint32)


def mean_scores(found: list[Segments], truths: list[Segments]) -> dict[str, object]:
    """Return the scores of tiles of one shape, each for itself, and their mean."""
    if truths[0].ndim == 2 or len(truths) == 1:
        return dict(evaluate(found[0], truths[0]).as_dict())
    stacks = [np.concatenate(parts) for parts in (found, truths)]
    return dict(evaluate(stacks[0], stacks[1], per_slice=True).as_dict())


@dataclass(frozen=True, slots=True)
class TestSplit:
    """Split of an image into what may be annotated and what only the final score sees.

    Parameters
    ----------
    annotatable
        Where tiles may be suggested.
    test
        Tiles to score on.
    """

    annotatable: Tile
    test: tuple[Tile, ...]


def split_for_test(shape: tuple[int, ...]) -> TestSplit:
    """Set aside the last fifth: of the slices of a stack, of the rows of a single image."""
    length = shape[0]
    n_test = max(1, length // TEST_SHARE)
    if len(shape) == 2 or length == 1:
        axis = len(shape) - 2
        n_test = max(1, shape[axis] // TEST_SHARE)
        kept = tuple(n - n_test if i == axis else n for i, n in enumerate(shape))
        start = tuple(shape[axis] - n_test if i == axis else 0 for i in range(len(shape)))
        strip = tuple(n_test if i == axis else n for i, n in enumerate(shape))
        return TestSplit(Tile((0,) * len(shape), kept), (Tile(start, strip),))
    annotatable = Tile((0,) * len(shape), (length - n_test, *shape[1:]))
    tests = tuple(
        Tile((z, *(0,) * (len(shape) - 1)), (1, *shape[1:])) for z in range(length - n_test, length)
    )
    return TestSplit(annotatable, tests)
