"""Sources with the recipes that they were trained by and the images of these."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.recipes.stacks import find_pairs
from napari_graft.session.ranking import candidate_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source


@dataclass(frozen=True, slots=True)
class TrainedBy:
    """A source, its recipe, the checksum of that, and the folder of its images."""

    source: Source
    recipe: Recipe
    recipe_sha256: str
    data: Path

    def check(self) -> None:
        """Refuse a folder that lacks images of the recipe.

        Raises
        ------
        InputError
            If it does.
        """
        for entry in self.recipe.images:
            find_pairs(entry, self.data)


def find_trained(names: Sequence[str], recipes: Path, data: Path) -> list[TrainedBy]:
    """Return sources whose recipes are at hand: the named ones, else all but those whose recipe is missing.

    Raises
    ------
    InputError
        If a named source or its recipe is missing, or there is none at all.
    """
    catalogue = Catalogue()
    if names:
        sources = [catalogue.get(name) for name in names]
    else:
        sources = [one for one in candidate_sources(catalogue) if _recipe_of(one, recipes).is_file()]
    if not sources:
        raise InputError(f"no source was trained by a recipe in {str(recipes)!r}: run it in a checkout")
    return list(_with_recipes(sources, recipes, data))


def _with_recipes(sources: Sequence[Source], recipes: Path, data: Path) -> Iterator[TrainedBy]:
    for source in sources:
        path = _recipe_of(source, recipes)
        if not path.is_file():
            raise InputError(
                f"the recipe of {source.id!r} is not in {str(recipes)!r}: name a source that was trained by "
                "one of the recipes there"
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield TrainedBy(source, read_recipe(path), digest, data)


def _recipe_of(source: Source, recipes: Path) -> Path:
    return recipes / f"{source.card.training.recipe or source.id}.yaml"
