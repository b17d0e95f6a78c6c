"""Turn the images that a recipe names into pieces to train on, to choose on, and to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.io.masks import MaskMeaning
from napari_graft.recipes.pieces import Material, Piece
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe
from napari_graft.recipes.slices import split_in_order, split_into_slices
from napari_graft.recipes.stacks import Stack, find_pairs, read_stack
from napari_graft.recipes.volumes import split_into_volumes
from napari_graft.samples.training import generate_training_image


def load_material(recipe: Recipe, folder: Path) -> Material:
    """Read what a recipe names, as slices for a 2-D network and as volumes for a 3-D one.

    Paths are relative to `folder`.

    Raises
    ------
    InputError
        If an image or its labels are missing or do not fit each other or the network.
    """
    if recipe.generated is not None:
        return split_in_order(list(_generated_slices(recipe.generated)))
    split = split_into_slices if recipe.spec.ndim == 2 else split_into_volumes
    train: list[Piece] = []
    choice: list[Piece] = []
    test: list[Piece] = []
    digests: list[str] = []
    for entry in recipe.images:
        pairs = find_pairs(entry, folder)
        digests += [hashlib.sha256(image.read_bytes()).hexdigest() for image, _ in pairs]
        stacks = [_read(entry, *pair) for pair in pairs]
        for part in split(entry, stacks, recipe.spec):
            train += part.train[:: entry.every]
            choice += part.choice[:: entry.every]
            # A piece without any object has no score.
            test += [s for s in part.test[:: entry.every] if s.segments.any()]
    return Material(tuple(train), tuple(choice), tuple(test), tuple(digests))


def _read(entry: ImageEntry, image: Path, labels: Path) -> Stack:
    try:
        mask: MaskMeaning | None = None if entry.split_objects is None else "object"
        return read_stack(image, labels, mask, is_independent=entry.independent)
    except MaskMeaningError as error:
        raise InputError(
            f"{labels} is a mask of 0 and {error.value} in {error.n_pieces} pieces: write split_objects: "
            f"true beside {entry.labels!r} in the recipe if each piece is an object, false if all are one"
        ) from None


def _generated_slices(entry: GeneratedEntry) -> Iterator[Piece]:
    for index in range(entry.n_images):
        # A generator an image: the same image whatever was drawn before it.
        rng = np.random.default_rng([entry.seed, index])
        made = generate_training_image((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        yield Piece(image.astype(np.float32), made.segments.astype(np.int32), index)
