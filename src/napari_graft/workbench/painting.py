"""A tile that is open for painting: what is on it at first, and where that is from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.labels import BACKGROUND, UNLABELLED, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.project import Project
from napari_graft.project.queue import QueuedTile
from napari_graft.workbench.guesses import Guess, GuessCache

Labels = NDArray[np.uint32]
Origin = Literal["draft", "annotation", "guess", "nothing"]
"""A draft that was never accepted, what was accepted, what a model made of it, or an empty tile."""


@dataclass(frozen=True, slots=True, eq=False)
class TilePainting:
    """Hold what a person starts from on a tile.

    Parameters
    ----------
    tile
        Where in the image.
    labels
        (*tile.shape) uint32, in the annotation convention; not to be changed, whoever paints copies it.
    origin
        Where the labels are from.
    is_sparse
        Whether strokes are painted, and unlabelled pixels may remain.
    guess
        What a model makes of the tile, None where there is no model or it has not looked yet.
    model
        Source or run that the labels began with, None where they were painted from nothing.
    """

    tile: Tile
    labels: Labels
    origin: Origin
    is_sparse: bool
    guess: Guess | None = None
    model: str | None = None

    @property
    def is_new(self) -> bool:
        """Say whether nobody has painted on it yet."""
        return self.origin in ("guess", "nothing")

    def begun_anew(self, *, is_sparse: bool) -> TilePainting:
        """Return the tile as it is before anybody paints: a whole tile begins with the guess."""
        labels = np.full(self.tile.shape, UNLABELLED, np.uint32)
        origin: Origin = "nothing"
        if self.guess is not None and not is_sparse:
            labels, origin = to_annotation(self.guess.segments), "guess"
        return replace(self, labels=labels, origin=origin, is_sparse=is_sparse)


def read_painting(
    project: Project, queued: QueuedTile, model: str | None, *, is_sparse: bool
) -> TilePainting:
    """Read what is on a tile: its draft, else what was accepted, else the guess of a model.

    Parameters
    ----------
    model
        Source or run whose guess is wanted, None where there is none.
    is_sparse
        How a tile is painted on which nobody has painted yet.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    tile = queued.tile
    guess = None if model is None else GuessCache(project.folder).find(model, tile)
    draft = project.draft(tile).restore()
    if draft is not None:
        return TilePainting(tile, draft, "draft", queued.sparse, guess, queued.model)
    if tile in project.annotations.tiles():
        stored = project.annotations.read(tile)
        return TilePainting(tile, stored.labels, "annotation", not stored.complete, guess, queued.model)
    empty = np.full(tile.shape, UNLABELLED, np.uint32)
    start = TilePainting(tile, empty, "nothing", is_sparse, guess, model if guess is not None else None)
    return start.begun_anew(is_sparse=is_sparse)


def with_background(labels: Labels) -> Labels:
    """Return labels whose unlabelled pixels count as background."""
    return np.where(labels == UNLABELLED, np.uint32(BACKGROUND), labels)
