"""What a few painted tiles make of the first source: the loop of the program, painted with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.metrics import evaluate
from napari_graft.project.project import Project
from napari_graft.session.annotating import annotate_from_labels
from napari_graft.session.fitting import Budget
from napari_graft.session.models import Model, load_model
from napari_graft.session.segmenting import segment_tiles
from napari_graft.session.suggesting import SuggestOptions, suggest_tiles
from napari_graft.session.training import TrainingTask
from napari_graft.sources.catalogue import Catalogue

STEPS = 300
LEAST_LEFT = 0.25
"""Share of the image that must be left to judge by, unpainted."""
_KEPT = ("ap50", "vi")

Segments = NDArray[np.uint32]


class AfterTiles(BaseModel):
    """What a training on a few painted tiles made of a source, on the pixels that were not painted.

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
        if n_tiles * request.tile**2 > (1 - LEAST_LEFT) * self.truth.size:
            return None
        found = suggest_tiles(
            self.project, request, catalogue=self.catalogue, report=ignore_progress, cancel=self.cancel
        )
        tiles = [one.tile for one in found]
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
        left = np.ones(self.truth.shape, bool)
        for tile in painted:
            left[tile.slices] = False
        return kept_scores(np.where(left, found, 0), np.where(left, self.truth, 0))


def kept_scores(found: Segments, truth: Segments) -> dict[str, float]:
    """Return the scores of a segmentation that the benchmark keeps: ``ap50`` and ``vi``."""
    scores = evaluate(found, truth).as_dict()
    return {name: float(scores[name]) for name in _KEPT}
