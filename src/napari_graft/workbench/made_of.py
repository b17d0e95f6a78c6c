"""What a merged model is made of, as the window tells it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.merging.levels import LevelShares, levels_of
from napari_graft.merging.recipe import MergeRecipe
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.start_points import start_name


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a merged model is made of.

    Parameters
    ----------
    titles
        The models that were merged, as users read them.
    shares
        Share of each in all filters, none where it was stopped too early to tell.
    levels
        The same for each level, from what the network sees first to what it answers.
    """

    titles: tuple[str, ...]
    shares: tuple[float, ...]
    levels: tuple[LevelShares, ...]


def made_of(recipe: MergeRecipe, catalogue: Catalogue) -> MadeOf:
    """Return what a recipe says, with the titles of the sources."""
    titles = tuple(start_name(reference, catalogue) for reference in recipe.references)
    return MadeOf(titles, recipe.shares, levels_of(recipe.layers))
