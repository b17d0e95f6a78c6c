"""A finished source, and the images of the recipe that it was trained by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.nets.kinds import load_network, trainable
from napari_graft.recipes.material import load_dataset
from napari_graft.recipes.pieces import DatasetSplit
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.sources.source import Source, open_source

if TYPE_CHECKING:
    from napari_graft.nets.residual_unet import ResidualUNet


@dataclass(frozen=True, slots=True)
class FinishedSource:
    """A source with its recipe and the images of that."""

    recipe: Recipe
    source: Source
    dataset: DatasetSplit

    def load_network(self) -> ResidualUNet:
        """Return the network of the source."""
        return trainable(load_network(self.source.card.spec, self.source.load_weights()), self.source.id)


def open_finished(recipe_path: Path, folder: Path, *, report: Report, cancel: CancelToken) -> FinishedSource:
    """Open the source in a folder, and read the images of its recipe.

    Raises
    ------
    InputError
        If the folder holds no source of this recipe, or its images cannot be used.
    Cancelled
        When asked to stop.
    """
    recipe = read_recipe(recipe_path)
    source = open_source(folder, "file")
    if source.card.training.recipe != recipe.id:
        raise InputError(
            f"the source in {str(folder)!r} was not trained by the recipe {recipe.id!r}: name its own recipe"
        )
    report(Progress(0, 1, f"reading the images of {recipe.id}"))
    dataset = load_dataset(recipe, (recipe_path.parent / recipe.folder).resolve())
    cancel.raise_if_cancelled()
    return FinishedSource(recipe, source, dataset)
