"""What models make of tiles, kept in the project so that a tile opens with its guess at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from napari_graft.annotation.draft import draft_name
from napari_graft.core.checksum import checksum_of
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.project.project import Project

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
        seen = project.manifest.model_dump(mode="json", include=_AS_SEEN)
        return cls(project.folder / CACHE / "guesses" / checksum_of(seen)[:16])

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
