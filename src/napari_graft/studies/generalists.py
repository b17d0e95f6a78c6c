"""Generalists that have never seen a target: trained on the pool of a family, less its own collection."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import atomic
from napari_graft.io.documents import read_document
from napari_graft.io.writers.file_kinds import FileKind, is_text
from napari_graft.io.writers.outputs import NO_INPUTS, Outputs
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.recipes.training import train_source
from napari_graft.scorers.order import family
from napari_graft.sources.archive import CARD, WEIGHTS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.catalogue import ANCESTOR
from napari_graft.sources.source import Source
from napari_graft.studies.targets import LabelledSet, collection_of

_WITHOUT = "-without-"
POOLS = {
    "neurites": ("neurites-em",),
    "cells": ("nuclei-fluorescence-all", "nuclei-u2os", "nuclei-ihc"),
    "organelles": ("mitochondria-em",),
}
"""Recipes whose images make the pool of a family; the first one is that of the generalist that ships.

Without the collection of a target the first recipe for nuclei would keep one set, which is no pool."""


class Generalists:
    """Generalists that a benchmark needs, each trained once.

    Parameters
    ----------
    folder
        Where they and their recipes are kept. The cards are enough where every result is kept already.
    recipes, data
        Folders with the recipes of the sources and with their images.
    outputs
        What may be written where.
    report, cancel
        Told of the training, and what stops it.
    """

    def __init__(
        self,
        folder: Path,
        recipes: Path,
        data: Path,
        *,
        outputs: Outputs = NO_INPUTS,
        report: Report,
        cancel: CancelToken,
    ) -> None:
        self.folder = folder
        self._recipes = recipes
        self._data = data
        self._outputs = outputs
        self._report = report
        self._cancel = cancel

    def for_target(self, target: LabelledSet, is_measured: Callable[[Source], bool]) -> Source | None:
        """Return the generalist of the target's family without the collection of the target.

        Parameters
        ----------
        target
            What it must not have seen.
        is_measured
            Whether all that is asked of a source is known, so that its weights are not needed.

        Returns
        -------
        Source or None
            None where the generalist that ships has not seen the target: that one is a candidate anyway. So
            it is where a recipe of the pool is missing.

        Raises
        ------
        Cancelled
            When asked to stop; the training goes on from there the next time.
        """
        paths = [self._recipes / f"{name}.yaml" for name in POOLS.get(family(target.structure), ())]
        if not paths or not all(path.is_file() for path in paths):
            return None
        collection, sets = collection_of(target.name)
        pool = [read_recipe(path) for path in paths]
        if not set(sets).intersection(pool[0].datasets):
            return None
        recipe = leave_out(pool, collection, sets)
        out = self.folder / recipe.id
        if (out / CARD).is_file():
            known = Source(read_document(SourceCard, out / CARD, "card", follow_links=True), out, "file")
            if (out / WEIGHTS).is_file() or is_measured(known):
                return known
        return self._train(recipe, out)

    def _train(self, recipe: Recipe, out: Path) -> Source:
        path = self.folder / f"{recipe.id}.yaml"
        # Relative, so that what is kept names no path of this machine.
        values = recipe.model_dump(mode="json") | {"folder": os.path.relpath(self._data, self.folder)}
        with atomic.storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        self._outputs.write(path, yaml.safe_dump(values, sort_keys=False), _recipe_kind(recipe.id))
        may = self._outputs.may_overwrite
        trained = train_source(path, out, overwrite=may, report=self._report, cancel=self._cancel)
        if trained is None:
            raise Cancelled
        return trained


def _recipe_kind(recipe_id: str) -> FileKind:
    def is_ours(path: Path) -> bool:
        try:
            return read_recipe(path).id == recipe_id
        except InputError:
            return False

    return FileKind("a recipe", is_ours, is_text)


def leave_out(pool: Sequence[Recipe], collection: str, sets: Sequence[str]) -> Recipe:
    """Return the first recipe with the images of all, less those of some sets.

    Parameters
    ----------
    pool
        Recipes of one network.
    collection, sets
        What the sets are called together, and their names, which are their folders.
    """
    first = pool[0]
    changed = {
        "id": f"{first.id}{_WITHOUT}{collection}",
        "title": f"{first.title}, without {collection}",
        **{
            name: _joined(getattr(one, name) for one in pool)
            for name in ("license", "citation", "data_origin")
        },
        "research_only": any(one.research_only for one in pool),
        # By its id: a path would be relative to another folder.
        "start": None if first.start is None else ANCESTOR,
        "images": tuple(e for one in pool for e in one.images if Path(e.image).parts[0] not in sets),
        "datasets": tuple(name for one in pool for name in one.datasets if name not in sets),
        "related_datasets": tuple(
            dict.fromkeys(name for one in pool for name in one.related_datasets if name not in sets)
        ),
    }
    return first.model_copy(update=changed)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def is_generalist(source: Source) -> bool:
    """Say whether a source is the generalist of a family, or one without some collection."""
    return is_generalist_id(source.id)


def is_generalist_id(source_id: str) -> bool:
    """Say whether an id is that of a generalist, see `is_generalist`."""
    return source_id.partition(_WITHOUT)[0] in {pool[0] for pool in POOLS.values()}
