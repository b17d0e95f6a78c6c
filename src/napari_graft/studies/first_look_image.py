"""One image of a labelled set, opened as a stranger would, and what sources make of it untouched."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_graft.core.checksum import checksum_of
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.project import Project
from napari_graft.scorers.order import family
from napari_graft.scorers.outlook import OutlookKind, outlook
from napari_graft.segmentation.diameter import median_diameter
from napari_graft.session.measured import source_checksum
from napari_graft.session.predicting import PredictOptions, predict_project
from napari_graft.session.projects import make_project
from napari_graft.session.ranking import rank_nearest_kind, unseen_sources
from napari_graft.session.views import view_of
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.document import Document
from napari_graft.sources.inverted import id_without_view
from napari_graft.sources.source import Source
from napari_graft.studies.first_tiles import AfterTiles, TilePainter, kept_scores
from napari_graft.studies.labelled_images import LabelledImages
from napari_graft.studies.otsu import otsu_watershed
from napari_graft.studies.program import program_checksum

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
        first, expected = ranked[0].source, outlook(ranked, project.manifest.structure)
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
