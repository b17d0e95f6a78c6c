"""Turn the images that a recipe names into samples to train, validate and test on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.imaging.faults.draw import add_random_faults
from napari_graft.io.masks import MaskMeaning
from napari_graft.recipes.pieces import DatasetSplit, Sample
from napari_graft.recipes.raw_pieces import RawDatasetSplit, RawSample
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe
from napari_graft.recipes.slices import split_in_order, split_into_slices
from napari_graft.recipes.stacks import Stack, find_pairs, read_stack
from napari_graft.recipes.volumes import split_into_volumes
from napari_graft.samples.training import generate_training_image
from napari_graft.sources.network_spec import NetworkSpec


def load_dataset(recipe: Recipe, folder: Path, *, n_faulty: int = 0) -> DatasetSplit:
    """Read what a recipe names, as slices for a 2-D network and as volumes for a 3-D one.

    Paths are relative to `folder`.

    Parameters
    ----------
    n_faulty
        Copies with faults drawn at random that each training sample gets.

    Raises
    ------
    InputError
        If an image or its labels are missing or do not fit each other or the network.
    """
    split = split_images(recipe, folder)
    rng = np.random.default_rng(recipe.schedule.seed)
    return DatasetSplit(
        tuple(_with_copies(raw, n_faulty, rng) for raw in split.train),
        tuple(raw.prepare() for raw in split.validation),
        # A sample without any object has no score.
        tuple(sample for sample in (raw.prepare() for raw in split.test) if sample.segments.any()),
        split.image_sha256s,
    )


def split_images(recipe: Recipe, folder: Path) -> RawDatasetSplit:
    """Read and split what a recipe names, as it was recorded; see `load_dataset`."""
    if recipe.generated is not None:
        return split_in_order(list(_generated_slices(recipe.generated, recipe.spec)))
    split = split_into_slices if recipe.spec.ndim == 2 else split_into_volumes
    train: list[RawSample] = []
    validation: list[RawSample] = []
    test: list[RawSample] = []
    digests: list[str] = []
    for entry in recipe.images:
        pairs = find_pairs(entry, folder)
        digests += [hashlib.sha256(image.read_bytes()).hexdigest() for image, _ in pairs]
        stacks = [_read(entry, *pair) for pair in pairs]
        for part in split(entry, stacks, recipe.spec):
            train += part.train[:: entry.every]
            validation += part.validation[:: entry.every]
            test += part.test[:: entry.every]
    return RawDatasetSplit(tuple(train), tuple(validation), tuple(test), tuple(digests))


def _with_copies(raw: RawSample, n_faulty: int, rng: np.random.Generator) -> Sample:
    faulty = (raw.prepare_image(lambda image: add_random_faults(image, rng)) for _ in range(n_faulty))
    return replace(raw.prepare(), faulty=tuple(faulty))


def _read(entry: ImageEntry, image: Path, labels: Path) -> Stack:
    try:
        mask: MaskMeaning | None = None if entry.split_objects is None else "object"
        return read_stack(image, labels, mask, is_independent=entry.independent)
    except MaskMeaningError as error:
        raise InputError(
            f"{labels} is a mask of 0 and {error.value} in {error.n_pieces} pieces: write split_objects: "
            f"true beside {entry.labels!r} in the recipe if each piece is an object, false if all are one"
        ) from None


def _generated_slices(entry: GeneratedEntry, spec: NetworkSpec) -> Iterator[RawSample]:
    for index in range(entry.n_images):
        # A generator an image: the same image whatever was drawn before it.
        rng = np.random.default_rng([entry.seed, index])
        made = generate_training_image((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        yield RawSample(
            _GENERATED, image.astype(np.float32), made.segments.astype(np.int32), spec, group=index
        )


_GENERATED = ImageEntry(image="generated", labels="generated")
