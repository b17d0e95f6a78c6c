"""What a merged model is made of, as the window tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.merging.recipe import LayerShares, MergeRecipe, mean_shares
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.start_points import start_name


@dataclass(frozen=True, slots=True)
class LevelShares:
    """Say what one level of the network is made of: its name in words, and the share of each model."""

    title: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MadeOf:
    """Say what a merged model is made of.

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
    return MadeOf(titles, recipe.shares, _levels(recipe.layers))


def _levels(layers: Sequence[LayerShares]) -> tuple[LevelShares, ...]:
    groups: dict[tuple[str, int], list[LayerShares]] = {}
    for layer in layers:
        part, level, *_ = layer.name.split(".")
        # What climbs to a level belongs to the way back there.
        groups.setdefault(("encoder" if part == "encoder" else "decoder", int(level)), []).append(layer)
    deepest = max((level for part, level in groups if part == "encoder"), default=0)
    seeing = sorted(key for key in groups if key[0] == "encoder")
    drawing = sorted((key for key in groups if key[0] == "decoder"), reverse=True)
    return tuple(LevelShares(_title(*key, deepest), mean_shares(groups[key])) for key in (*seeing, *drawing))


def _title(part: str, level: int, deepest: int) -> str:
    """Return what a level does, in words.

    >>> _title("encoder", 0, 3), _title("encoder", 3, 3), _title("decoder", 0, 3)
    ('Seeing 1 (finest)', 'Seeing 4 (coarsest)', 'Drawing 1 (finest)')
    """
    places = {0: " (finest)", deepest: " (coarsest)"}
    return f"{'Seeing' if part == 'encoder' else 'Drawing'} {level + 1}{places.get(level, '')}"
