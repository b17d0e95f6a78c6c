"""The test part of a source as microscopes with faults would have recorded it, and its scores there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.inference.predictor import Predictor
from napari_graft.io.documents import Document
from napari_graft.nets.device import choose_device
from napari_graft.recipes.dataset_split import split_images
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.recipes.samples import RawSample, Sample, find_pairs
from napari_graft.recipes.scoring import few, mean_of_scores, middle_of, score_sample
from napari_graft.session.models import Model, model_of_source
from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source
from napari_graft.studies.results import KeptResults

CLEAN = "none"
"""In place of a fault: the image as it is."""


class Spoilt(Document):
    """Score of one source under one fault.

    Parameters
    ----------
    source, weights_sha256, decode, recipe_sha256, n_images, fault, strength
        What was asked for, by which it is known again.
    scores
        Mean over the images, by the keys of a card.
    seconds, version
        How long it took, and with which version of napari-graft.
    """

    source: str
    weights_sha256: str
    decode: dict[str, float]
    recipe_sha256: str
    n_images: int
    fault: str
    strength: float
    scores: dict[str, float]
    seconds: float
    version: str


@dataclass(frozen=True, slots=True)
class _Ready:
    """What measuring needs: the network and the images."""

    model: Model
    predictor: Predictor
    scenes: list[tuple[RawSample, Sample]]


class SpoiltBench:
    """Scores of one source on its own test part under faults.

    Parameters
    ----------
    trained
        The source, with its recipe and images.
    n_images
        At most so many images of the test part are looked at, spread evenly.
    kept
        Where finished results are kept.
    cancel
        The token that stops the work.
    """

    def __init__(
        self, trained: TrainedBy, n_images: int, kept: KeptResults[Spoilt], cancel: CancelToken
    ) -> None:
        self._trained = trained
        self._n_images = n_images
        self._kept = kept
        self._cancel = cancel
        self._ready: _Ready | None = None

    @property
    def source(self) -> Source:
        """The source."""
        return self._trained.source

    def has_run(self, fault: str, strength: float) -> bool:
        """Say whether `run` would find everything measured before."""
        return self._kept.find(self._asked(fault, strength)) is not None

    def run(self, fault: str, strength: float) -> Spoilt:
        """Score the source under a fault, or return what was found before.

        Raises
        ------
        InputError
            If its images or weights cannot be used.
        Cancelled
            When asked to stop.
        """
        asked = self._asked(fault, strength)
        known = self._kept.find(asked)
        if known is not None:
            return known
        began = time.monotonic()
        scores = mean_of_scores(list(self._scores(fault, strength)))
        spent = {"seconds": round(time.monotonic() - began, 1), "version": version("napari-graft")}
        found = Spoilt.model_validate(asked | {"scores": scores} | spent)
        self._kept.add(found)
        return found

    def close(self) -> None:
        """Let go of the network and the images; `run` would load them again."""
        self._ready = None

    def _asked(self, fault: str, strength: float) -> dict[str, object]:
        card = self.source.card
        return {
            "source": card.id,
            "weights_sha256": card.weights_sha256,
            "decode": card.decode,
            "recipe_sha256": self._trained.recipe_sha256,
            "n_images": self._n_images,
            "fault": fault,
            "strength": strength,
        }

    def _scores(self, fault: str, strength: float) -> Iterator[dict[str, float]]:
        ready = self._prepare()
        for number, (raw, plain) in enumerate(ready.scenes):
            self._cancel.raise_if_cancelled()
            # The same draw at each strength, so that these can be compared.
            rng = np.random.default_rng([number, *fault.encode()])
            image = raw.prepare_image(partial(_spoil, fault=fault, strength=strength, rng=rng))
            sample = middle_of(replace(plain, image=image))
            yield score_sample(ready.predictor, sample, ready.model.decode)

    def _prepare(self) -> _Ready:
        if self._ready is None:
            split = split_images(self._trained.recipe, self._trained.data)
            both = [(raw, raw.prepare()) for raw in split.test]
            model = model_of_source(self.source)
            predictor = Predictor(model.network, choose_device("auto"))
            # A sample without any object has no score.
            scenes = few([one for one in both if one[1].segments.any()], self._n_images)
            self._ready = _Ready(model, predictor, scenes)
        return self._ready


def _spoil(
    grey: NDArray[np.float32], fault: str, strength: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    # The grey range of the plain image is measured for itself too, as that of any image of a user.
    return grey if fault == CLEAN else FAULTS[fault](grey, strength, rng)


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
