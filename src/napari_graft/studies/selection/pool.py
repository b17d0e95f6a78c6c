"""The tiles of one target with all that strategies go by, and the score of a head adapted to some of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate, PaintingWork
from napari_graft.acquisition.painting_cost import work_of_objects
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.few_shot import HeadFeatures, compute_head_features, predict_from_features
from napari_graft.scorers.scoring_context import ComputeContext
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session.annotation import read_tiles
from napari_graft.session.demo import mean_scores, read_truth
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.projects.creation import make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.suggestion import SuggestOptions, choose_tiles
from napari_graft.session.training.fitting import make_examples
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import trained_on
from napari_graft.studies.selection.ridge_head import HeadStatistics, adapted_head, head_statistics
from napari_graft.studies.splitting import count_objects, require_objects, split_with_gap
from napari_graft.studies.targets import LEAST_OBJECTS, LabelledSet
from napari_graft.training.examples import Example

MOST_TEST_TILES = 3
MOST_TUNED = 2
"""Tiles on which the decoding is tuned, which takes most of the time of a score."""
LONGEST_TEST_SIDE = 768
"""Of the test tiles, around their middle: thousands of scores are taken on them."""


@dataclass(frozen=True, slots=True)
class SelectionTarget:
    """A labelled set, and the source that is adapted to it.

    Parameters
    ----------
    target
        The set.
    source
        Id of a source that has not seen it.
    side
        Side of a tile.
    """

    target: LabelledSet
    source: str
    side: int = 256


@dataclass(frozen=True, slots=True)
class _TestTile:
    """A test tile with the cached features of the image around it, and its truth."""

    tile: Tile
    around: Tile
    features: HeadFeatures
    truth: NDArray[np.uint32]


class TilePool:
    """Pool of the tiles of a target with what a frozen source sees in them; see `SelectionTarget`.

    Parameters
    ----------
    chosen
        The target.
    data
        Folder of the sets.
    least_objects
        Of the test part.
    report, cancel
        Progress, and the token that stops the work.

    Raises
    ------
    InputError
        If the source has seen the target, or the test part holds too few objects.
    """

    def __init__(
        self,
        chosen: SelectionTarget,
        data: Path,
        report: Report,
        cancel: CancelToken,
        least_objects: int = LEAST_OBJECTS,
    ) -> None:
        self.chosen = chosen
        self._cancel = cancel
        # The images are nobody's to keep: they go when the work is done.
        self._folder = tempfile.TemporaryDirectory(prefix="napari-graft-")
        self.model = _unseen_model(chosen, data)
        options, labels = chosen.target.prepare(data, Path(self._folder.name) / "sample")
        self.project = make_project(Path(self._folder.name) / "target.graft", options)
        self.labels: Volume = open_labels(labels)
        self.split = split_with_gap(self.project.manifest.shape, MOST_TEST_TILES)
        test = tuple(map(_cropped, self.split.test))
        require_objects(chosen.target.key, count_objects(self.labels, test), least_objects)
        self.candidates = _candidates(self, report)
        self._statistics: list[HeadStatistics] = []
        self._tiles: list[HeadFeatures] = []
        self.work: list[PaintingWork] = []
        for number, candidate in enumerate(self.candidates):
            report(Progress(number, len(self.candidates), f"reading the tiles of {chosen.target.key}"))
            self._add(candidate.tile)
        self._test = [self._test_tile(tile) for tile in test]
        self._scores: dict[frozenset[int], dict[str, float]] = {}

    @property
    def network(self) -> ResidualUNet:
        """The network of the source."""
        assert isinstance(self.model.network, ResidualUNet)
        return self.model.network

    def close(self) -> None:
        """Close the project, and remove it."""
        self.project.close()
        self._folder.cleanup()

    def score(self, numbers: Sequence[int]) -> dict[str, float]:
        """Return the scores on the test part of the head adapted to some of the candidates, by their numbers.

        Without any it is the untouched source. The keys are those of ``evaluate``.

        Raises
        ------
        Cancelled
            When asked to stop.
        """
        key = frozenset(numbers)
        if key not in self._scores:
            self._scores[key] = self._measure(sorted(key))
        return self._scores[key]

    def _measure(self, numbers: Sequence[int]) -> dict[str, float]:
        network = self.network
        settings = self.model.decode
        if numbers:
            network = adapted_head(network, [self._statistics[i] for i in numbers])
            settings = self._tuned(network, numbers[:MOST_TUNED])
        view = view_of(self.project, network.spec)
        found = []
        for one in self._test:
            self._cancel.raise_if_cancelled()
            prediction = predict_from_features(network, one.features)
            segments = decode(prediction.foreground, prediction.affinities, network.spec.offsets, settings)
            inner = one.tile.shift([-a for a in one.around.start]).slices
            found.append(np.ascontiguousarray(view.labels_to_image(segments, one.around)[inner]))
        scores = mean_scores(found, [one.truth for one in self._test])
        return {name: float(value) for name, value in scores.items() if isinstance(value, int | float)}

    def _tuned(self, network: ResidualUNet, numbers: Sequence[int]) -> DecodeSettings:
        """Return the decoding tuned on some tiles, with what an adapted network says of them."""
        tiles = [self._tiles[i] for i in numbers]
        annotations = [one.example.labels("both").astype(np.uint32) for one in tiles]
        predictions = [predict_from_features(network, one) for one in tiles]
        structure = self.chosen.target.structure
        return calibrate(predictions, annotations, network.spec.offsets, structure, cancel=self._cancel)

    def _add(self, tile: Tile) -> None:
        self._cancel.raise_if_cancelled()
        (painted,) = read_tiles(self.project, self.labels, [tile])
        (example,) = make_examples(view_of(self.project, self.network.spec), [painted])
        features = self._features(example)
        self._tiles.append(features)
        self._statistics.append(head_statistics(self.network, features))
        self.work.append(work_of_objects(read_truth(self.labels, tile)))

    def _features(self, example: Example) -> HeadFeatures:
        compute = ComputeContext(choose_device("cpu"), self._cancel)
        return compute_head_features(self.network, example, compute)

    def _test_tile(self, tile: Tile) -> _TestTile:
        view = view_of(self.project, self.network.spec)
        around = view.align(tile.grow(view.on_image(HALO[2])))
        image = view.read(around)
        nothing = np.zeros(image.shape, np.int32)
        features = self._features(Example(image, nothing, nothing))
        return _TestTile(tile, around, features, read_truth(self.labels, tile))


def _unseen_model(chosen: SelectionTarget, data: Path) -> Model:
    source = Catalogue().get(chosen.source)
    if trained_on(source, str(data / chosen.target.name / chosen.target.image)):
        raise InputError(f"{source.id} was trained on {chosen.target.name}: choose a source that was not")
    model = model_of_source(source)
    model.network.to("cpu").eval()
    return model


def _cropped(tile: Tile) -> Tile:
    sides = [min(n, LONGEST_TEST_SIDE) for n in tile.shape[-2:]]
    shape = (*tile.shape[:-2], *sides)
    start = tuple(a + (n - m) // 2 for a, n, m in zip(tile.start, tile.shape, shape, strict=True))
    return Tile(start, shape)


def _candidates(pool: TilePool, report: Report) -> list[Candidate]:
    """Return the tiles that could be suggested, with what the source sees in each."""
    request = SuggestOptions(
        1,
        pool.chosen.side,
        strategy="random",
        source=pool.chosen.source,
        within=pool.split.annotatable,
        device="cpu",
        with_uncertainty=True,
    )
    selection = choose_tiles(pool.project, request, catalogue=Catalogue(), report=report, cancel=pool._cancel)
    return list(selection.candidates)
