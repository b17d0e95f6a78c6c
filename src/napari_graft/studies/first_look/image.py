"""One image of a labelled set, opened as a stranger would, and what is made of it.

By sources untouched, by a textbook without any learning, and by the first source after a few painted tiles.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.strings import checksum_of
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.io.documents import Document
from napari_graft.metrics import evaluate
from napari_graft.project.project import Project
from napari_graft.scorers.order import family
from napari_graft.scorers.outlook import OutlookKind, outlook
from napari_graft.segmentation.objects import median_diameter
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.models import Model, load_model
from napari_graft.session.prediction import PredictOptions, predict_project, segment_tiles
from napari_graft.session.projects.creation import make_project
from napari_graft.session.projects.object_diameter import known_diameter
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.evidence import source_checksum
from napari_graft.session.ranking.rank import rank_nearest_kind, unseen_sources
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source, id_without_view
from napari_graft.studies.results import program_checksum
from napari_graft.studies.targets import LabelledImages

BLOBS = "cells"
"""Family of what Otsu's threshold and a watershed can part."""


class ImageResult(Document):
    """Result of one image.

    Parameters
    ----------
    target, image, shape
        The set, the number of the image in it, and the pixels that were looked at.
    program, sources
        Checksums of the code and of all sources at hand: with these it was measured.
    first
        The first source of the ranking, in its view; see `invert_source`.
    scores
        Of that source and of all others of the family that have not seen the set, by id without the view,
        each untouched and in the view that it was ranked in: ``ap50`` and ``vi``.
    readings
        What each scorer measured of each ranked source, by id; see `SCORERS`.
    outlook
        What the program said to expect of the first; see `outlook`.
    otsu
        The same of `otsu_watershed`; None for what is no blob.
    diameter, true_diameter
        Median diameter of the objects in pixels, as the program found it and in truth; None where the program
        did not look for it.
    n_objects
        In truth.
    seconds
        How long all took.
    n_tiles, after_tiles
        How many tiles were to be painted afterwards, and what came of that; None where none were, or the
        image is too small.
    """

    target: str
    image: int
    shape: tuple[int, ...]
    program: str
    sources: str
    first: str
    scores: dict[str, dict[str, float]]
    readings: dict[str, dict[str, float]] = Field(default_factory=dict)
    outlook: OutlookKind | None = None
    otsu: dict[str, float] | None
    diameter: float | None
    true_diameter: float
    n_objects: int
    seconds: float
    n_tiles: int = 0
    after_tiles: AfterTiles | None = None

    @property
    def score_of_first(self) -> dict[str, float]:
        """What the first source of the ranking reaches."""
        return self.scores[id_without_view(self.first)]


class ImageRun:
    """Run of the program on one image, whose truth is used for the scores alone.

    Parameters
    ----------
    images, number
        The set, and the image in it.
    catalogue
        The sources at hand.
    cancel
        The token that stops the work.
    n_tiles
        How many tiles are painted afterwards.
    """

    def __init__(
        self,
        images: LabelledImages,
        number: int,
        catalogue: Catalogue,
        cancel: CancelToken,
        n_tiles: int = 0,
    ) -> None:
        self._n_tiles = n_tiles
        self._images = images
        self._number = number
        self._catalogue = catalogue
        self._cancel = cancel
        self._truth = images.truth(number)

    def asked(self) -> dict[str, object]:
        """Return what the result is known again by."""
        return {
            "target": self._images.target.key,
            "image": self._number,
            "shape": self._images.shape,
            "program": program_checksum(),
            "sources": checksum_of([source_checksum(source) for source in self._catalogue.sources()]),
            "n_tiles": self._n_tiles,
        }

    def measure(self, folder: Path) -> dict[str, object]:
        """Return the other fields of `ImageResult`.

        Parameters
        ----------
        folder
            Where the image and its project may be while this runs.
        """
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=folder) as name:
            options = self._images.write(self._number, Path(name))
            with make_project(Path(name) / "stranger.graft", options) as project:
                found = self._measure(project, Path(name) / "segments.tif")
        true_diameter = median_diameter(self._truth)
        n_objects = np.count_nonzero(np.unique(self._truth))
        seconds = round(time.monotonic() - began, 1)
        return found | {"true_diameter": true_diameter, "n_objects": n_objects, "seconds": seconds}

    def _measure(self, project: Project, out: Path) -> dict[str, object]:
        unseen, _ = unseen_sources(project, self._catalogue)
        ranked = rank_nearest_kind(project, unseen, report=ignore_progress, cancel=self._cancel)
        first = ranked[0].source
        expected = outlook(ranked, project.manifest.structure, known_diameter(project).wider)
        views = {id_without_view(one.source.id): one.source for one in ranked}
        tried = {
            source.id: views.get(source.id, source)
            for source in unseen
            if source.id == id_without_view(first.id) or self._is_rival(source)
        }
        return {
            "first": first.id,
            "scores": {one: self._score(self._predict(project, view, out)) for one, view in tried.items()},
            "readings": {one.source.id: dict(one.score.evidence.readings) for one in ranked},
            "outlook": None if expected is None else expected.kind,
            "otsu": self._otsu(project),
            "diameter": view_of(project, first.card.spec).object_diameter,
            "after_tiles": self._paint(project, first),
        }

    def _is_rival(self, source: Source) -> bool:
        # A single plane has nothing to show to a 3-D source.
        structure = self._images.target.structure
        return source.card.spec.ndim == 2 and family(source.card.structure) == family(structure)

    def _predict(self, project: Project, source: Source, out: Path) -> NDArray[np.uint32]:
        request = PredictOptions(out, source=source.id)
        predict_project(
            project, request, catalogue=self._catalogue, report=ignore_progress, cancel=self._cancel
        )
        found = open_labels(out)
        return np.asarray(found.read_raw(Tile((0, 0), found.shape))).astype(np.uint32)

    def _paint(self, project: Project, first: Source) -> AfterTiles | None:
        if not self._n_tiles or not first.card.spec.is_trainable:
            return None
        return TilePainter(project, self._truth, self._catalogue, self._cancel).paint(first.id, self._n_tiles)

    def _otsu(self, project: Project) -> dict[str, float] | None:
        if family(self._images.target.structure) != BLOBS:
            return None
        volume = project.volume
        return self._score(otsu_watershed(volume.read(Tile((0, 0), volume.shape))))

    def _score(self, found: NDArray[np.uint32]) -> dict[str, float]:
        return kept_scores(found, self._truth)


STEPS = 300
LEAST_LEFT = 0.25
"""Share of the image that must be left to judge by, unpainted."""
_KEPT = ("ap50", "vi")

Segments = NDArray[np.uint32]
Mask = NDArray[np.bool_]


class AfterTiles(BaseModel):
    """What a training on a few painted tiles made of a source, on the objects that no painted tile touches.

    Parameters
    ----------
    n_tiles, steps
        Tiles that were suggested and painted, and steps of the training.
    untouched, after
        Scores of the source as it is and of the model in use afterwards: ``ap50`` and ``vi``.
    share
        Which part of the way from the source to the trained weights was kept; None where the source stays.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_tiles: int
    steps: int
    untouched: dict[str, float]
    after: dict[str, float]
    share: float | None


@dataclass(frozen=True, slots=True)
class TilePainter:
    """Simulated annotator: labels suggested tiles with the truth of an image, trains, and scores.

    Parameters
    ----------
    project
        Of one 2-D image, open for writing.
    truth
        Objects of the whole image, 0 background.
    catalogue
        The sources at hand.
    cancel
        The token that stops the work.
    """

    project: Project
    truth: Segments
    catalogue: Catalogue
    cancel: CancelToken

    def paint(self, source: str, n_tiles: int, seed: int = 0) -> AfterTiles | None:
        """Return what came of it; None where too little of the image would be left to judge by.

        Parameters
        ----------
        source
            Reference of the source to start from.
        n_tiles
            How many tiles.
        seed
            Decides all that is random.
        """
        request = SuggestOptions(n_tiles, source=source, seed=seed)
        found = suggest_tiles(
            self.project, request, catalogue=self.catalogue, report=ignore_progress, cancel=self.cancel
        )
        tiles = [one.tile for one in found]
        if sum(tile.n_pixels for tile in tiles) > (1 - LEAST_LEFT) * self.truth.size:
            return None
        untouched = self._score(load_model(source, self.project, self.catalogue), tiles)
        annotate_from_labels(self.project, Volume(self.truth, self.project.volume.axes), tiles)
        task = TrainingTask(self.project, self.catalogue, ignore_progress, self.cancel)
        trained = task.run(source, Budget(None, STEPS, seed=seed))
        in_use = "latest" if trained.kept else source
        after = self._score(load_model(in_use, self.project, self.catalogue), tiles)
        return AfterTiles(
            n_tiles=len(tiles),
            steps=trained.steps,
            untouched=untouched,
            after=after,
            share=trained.share if trained.kept else None,
        )

    def _score(self, model: Model, painted: list[Tile]) -> dict[str, float]:
        whole = Tile((0,) * self.truth.ndim, self.truth.shape)
        (found,) = segment_tiles(self.project, model, [whole], cancel=self.cancel)
        is_painted = np.zeros(self.truth.shape, bool)
        for tile in painted:
            is_painted[tile.slices] = True
        return kept_scores(*unpainted_objects(found, self.truth, is_painted))


def unpainted_objects(found: Segments, truth: Segments, is_painted: Mask) -> tuple[Segments, Segments]:
    """Return what is to be judged of a segmentation once a part of the image was painted: whole objects.

    Objects of the truth that reach into a painted tile were seen there, and what is left of them may be a
    sliver that nothing can match: they are left out, and so is what is found mostly on them or on the tiles.

    Parameters
    ----------
    found, truth
        Objects of the image, 0 background.
    is_painted
        Where a tile was painted, of the same shape.
    """
    cut = np.unique(truth[is_painted])
    is_left_out = is_painted | np.isin(truth, cut[cut > 0])
    n = int(found.max(initial=0)) + 1
    area, area_out = (np.bincount(found[where].ravel(), minlength=n) for where in (..., is_left_out))
    is_dropped = 2 * area_out > area
    kept = np.where(is_dropped[found] | is_left_out, 0, found)
    return kept.astype(np.uint32), np.where(is_left_out, 0, truth).astype(np.uint32)


def kept_scores(found: Segments, truth: Segments) -> dict[str, float]:
    """Return the scores of a segmentation that the benchmark keeps: ``ap50`` and ``vi``."""
    scores = evaluate(found, truth).as_dict()
    return {name: float(scores[name]) for name in _KEPT}


_SIGMA = 1.5
"""Pixels over which the image is smoothed."""
_LEAST_AREA = 20
"""Pixels; what is smaller is noise."""
_LEAST_SHARE = 0.1
"""Of the median area; what is smaller is debris."""
_APART = 0.6
"""Shares of the typical radius by which the middles of two objects are apart."""


def otsu_watershed(image: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return objects by Otsu's threshold (1979) that are parted where they narrow, ids from 1.

    Bright or dark, the objects are the class that covers less of the border of the image.

    Parameters
    ----------
    image
        Grey, (y, x), in memory whole.
    """
    from skimage.filters import gaussian, threshold_otsu

    smooth = gaussian(image, _SIGMA, preserve_range=True)
    bright = smooth > threshold_otsu(smooth)
    is_dark = _on_border(bright).mean() > 0.5
    return _part(~bright if is_dark else bright)


def _on_border(mask: NDArray[np.bool]) -> NDArray[np.bool]:
    return np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])


def _part(mask: NDArray[np.bool]) -> NDArray[np.uint32]:
    from scipy.ndimage import binary_fill_holes, distance_transform_edt
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian
    from skimage.measure import label
    from skimage.segmentation import watershed

    found = _without_debris(label(binary_fill_holes(mask), connectivity=1))
    if not found.any():
        return found
    areas = np.bincount(found.ravel())[1:]
    apart = max(1, round(_APART * float(np.sqrt(np.median(areas[areas > 0]) / np.pi))))
    distance = gaussian(distance_transform_edt(found > 0), 1.0, preserve_range=True)
    peaks = peak_local_max(distance, min_distance=apart, labels=found, exclude_border=False)
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    parts: NDArray[np.int32] = watershed(-distance, markers, mask=found > 0)
    return parts.astype(np.uint32)


def _without_debris(found: NDArray[np.integer]) -> NDArray[np.uint32]:
    areas = np.bincount(found.ravel())
    areas[0] = 0
    objects = areas[areas >= _LEAST_AREA]
    least = max(_LEAST_AREA, _LEAST_SHARE * float(np.median(objects))) if objects.size else _LEAST_AREA
    return np.where(areas[found] >= least, found, 0).astype(np.uint32)
