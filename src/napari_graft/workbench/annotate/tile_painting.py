"""What is on a tile when it is opened for painting: a draft, an annotation, or the guess of a model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.draft import draft_name
from napari_graft.core.errors import InputError
from napari_graft.core.labels import BACKGROUND, UNLABELLED, painted_only, to_annotation, with_other_objects
from napari_graft.core.strings import checksum_of
from napari_graft.core.tile import Tile
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import QueuedTile
from napari_graft.workbench.annotate.tile_history import TileHistory

_AS_SEEN = {
    "declared_axes",
    "channel",
    "pixel_size",
    "unit",
    "inverted",
    "intensity_range",
    "object_diameter",
}
CACHE = "cache"
"""Folder of a project for what can be computed again."""


@dataclass(frozen=True, slots=True, eq=False)
class Guess:
    """Guess of a model on one tile.

    Parameters
    ----------
    segments
        (*tile.shape) uint32: 0 background, 1… objects.
    uncertainty
        (*tile.shape) float32, 0 sure to 1 unsure.
    """

    segments: NDArray[np.uint32]
    uncertainty: NDArray[np.float32]


class GuessCache:
    """Cache of guesses, one file for each model and tile; all of it can be removed without harm.

    Parameters
    ----------
    folder
        Where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, project: Project) -> GuessCache:
        """Return the guesses on the image as networks see it now, by its pixel size and contrast."""
        return cls(project.folder / CACHE / "guesses" / cls.key(project))

    @staticmethod
    def key(project: Project) -> str:
        """Return a name for the image as networks see it now."""
        seen = project.manifest.model_dump(mode="json", include=_AS_SEEN)
        return checksum_of(seen)[:16]

    def batch_path(self, model: str) -> Path:
        """Return where a preview of several tiles is to be written, to be taken over by `take`."""
        return self._of_model(model) / "batch.safetensors"

    def find(self, model: str, tile: Tile) -> Guess | None:
        """Return the guess of a model for a tile, None where there is none; a damaged one is removed."""
        path = self._path(model, tile)
        try:
            tensors, _ = load_tensors(path)
            guess = Guess(tensors["segments"].astype(np.uint32), tensors["uncertainty"].astype(np.float32))
        except (InputError, KeyError):
            with suppress(OSError):  # where it is a folder, there is no guess
                path.unlink(missing_ok=True)
            return None
        return guess

    def missing(self, model: str, tiles: Sequence[Tile]) -> tuple[Tile, ...]:
        """Return those of the tiles that have no guess of a model."""
        return tuple(tile for tile in tiles if not self._path(model, tile).exists())

    def take(self, batch: Path, model: str, tiles: Sequence[Tile]) -> None:
        """Split the preview that one model made of `tiles`, and remove it.

        Raises
        ------
        InputError
            If it is missing or of another kind.
        StorageError
            If the disk is full.
        """
        tensors, _ = load_tensors(batch)
        for i, tile in enumerate(tiles):
            parts = {"segments": tensors[f"segments/0/{i}"], "uncertainty": tensors[f"uncertainty/0/{i}"]}
            save_tensors(self._path(model, tile), parts, {})
        batch.unlink(missing_ok=True)

    def _of_model(self, model: str) -> Path:
        return self._folder / quote(model, safe=" ")

    def _path(self, model: str, tile: Tile) -> Path:
        return self._of_model(model) / f"{draft_name(tile)}.safetensors"


Labels = NDArray[np.uint32]
Origin = Literal["draft", "annotation", "guess", "nothing"]
"""A draft that was never accepted, what was accepted, what a model made of it, or an empty tile."""


@dataclass(frozen=True, slots=True, eq=False)
class TilePainting:
    """State of a tile that a person starts to paint from.

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
    begun
        What a model had put on it before anybody painted, 0 elsewhere; None where it had put nothing. Where
        the labels still equal it nobody has said yet that they are right: only a whole tile that is accepted
        says so.
    beneath
        While strokes are painted, what a whole tile would begin with where nobody paints; None: the guess.
    history
        What was done on it as the disk has it, None where nothing was.
    """

    tile: Tile
    labels: Labels
    origin: Origin
    is_sparse: bool
    guess: Guess | None = None
    model: str | None = None
    begun: Labels | None = None
    beneath: Labels | None = None
    history: TileHistory | None = None

    @property
    def is_new(self) -> bool:
        """Say whether nobody has painted on it yet."""
        return self.origin in ("guess", "nothing")

    def in_mode(self, labels: Labels, *, is_sparse: bool) -> TilePainting:
        """Return the tile, on which `labels` are now, as strokes or as a whole tile.

        As strokes it holds only what somebody painted. As a whole tile it holds the guess everywhere else.
        """
        changed = self._as_strokes(labels) if is_sparse else self._as_whole(labels)
        if not self.is_new:
            return changed
        return replace(changed, origin="nothing" if changed.begun is None else "guess")

    def refilled(self, labels: Labels) -> TilePainting:
        """Return the whole tile, on which `labels` are now, with the guess wherever nobody has painted."""
        painted = painted_only(labels, self.begun)
        return replace(self, beneath=None, is_sparse=True).in_mode(painted, is_sparse=False)

    def _as_strokes(self, labels: Labels) -> TilePainting:
        if self.is_sparse:
            return replace(self, labels=labels)
        beneath = None if self.begun is None else np.where(labels == self.begun, self.begun, np.uint32(0))
        painted = painted_only(labels, self.begun)
        return replace(self, labels=painted, begun=None, beneath=beneath, is_sparse=True)

    def _as_whole(self, labels: Labels) -> TilePainting:
        if not self.is_sparse:
            return replace(self, labels=labels)
        beneath = self.beneath
        if beneath is None and self.guess is not None:
            beneath = with_other_objects(to_annotation(self.guess.segments), labels)
        if beneath is None:
            return replace(self, labels=labels, is_sparse=False)
        begun = np.where(labels == UNLABELLED, beneath, np.uint32(UNLABELLED))
        whole = np.where(labels == UNLABELLED, beneath, labels)
        return replace(
            self, labels=whole, begun=begun if begun.any() else None, beneath=None, is_sparse=False
        )


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
    guess = None if model is None else GuessCache.of(project).find(model, tile)
    is_annotated = tile in project.annotations.tiles()
    state = project.draft(tile).read()
    if state is not None:
        begun, is_old = state.begun, state.begun is None
        if is_old and not is_annotated:
            begun = _begun_of_old_draft(project, queued, state.labels)
        as_whole = TilePainting(tile, state.labels, "draft", False, guess, queued.model, _or_none(begun))
        is_sparse = queued.sparse and not (is_old and begun is not None)
        accepted = project.annotations.read(tile).labels if is_annotated else None
        history = TileHistory.from_states(project.draft(tile).states(), accepted)
        return replace(as_whole.in_mode(state.labels, is_sparse=is_sparse), history=history)
    if is_annotated:
        stored = project.annotations.read(tile)
        return TilePainting(tile, stored.labels, "annotation", not stored.complete, guess, queued.model)
    return new_painting(tile, guess, model, is_sparse=is_sparse)


def new_painting(tile: Tile, guess: Guess | None, model: str | None, *, is_sparse: bool) -> TilePainting:
    """Return a tile as it is before anybody paints: a whole tile begins with the guess of `model`."""
    empty = np.full(tile.shape, UNLABELLED, np.uint32)
    known = None if guess is None else to_annotation(guess.segments)
    start = TilePainting(tile, empty, "nothing", True, guess, None if guess is None else model, beneath=known)
    return start.in_mode(empty, is_sparse=is_sparse)


def _begun_of_old_draft(project: Project, queued: QueuedTile, labels: Labels) -> Labels | None:
    """Return what an old draft began with, None where it was painted freely.

    Versions that did not note it let the guess pass for strokes: a draft of strokes that leaves nothing
    unlabelled holds the guess. Where that is not known any more nothing of it counts as painted.
    """
    if queued.model is None or (queued.sparse and np.any(labels == UNLABELLED)):
        return None
    guess = GuessCache.of(project).find(queued.model, queued.tile)
    return labels if guess is None else to_annotation(guess.segments)


def _or_none(begun: Labels | None) -> Labels | None:
    return begun if begun is not None and begun.any() else None


def with_background(labels: Labels) -> Labels:
    """Return labels whose unlabelled pixels count as background."""
    return np.where(labels == UNLABELLED, np.uint32(BACKGROUND), labels)
