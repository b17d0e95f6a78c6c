"""Turn the images that a recipe names into pieces to train on, to choose on, and to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.imaging.faults.draw import add_random_faults
from napari_graft.io.masks import MaskMeaning
from napari_graft.recipes.pieces import Material, Piece
from napari_graft.recipes.raw_pieces import RawPiece, Split
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe
from napari_graft.recipes.slices import split_in_order, split_into_slices
from napari_graft.recipes.stacks import Stack, find_pairs, read_stack
from napari_graft.recipes.volumes import split_into_volumes
from napari_graft.samples.training import generate_training_image
from napari_graft.sources.network_spec import NetworkSpec


def load_material(recipe: Recipe, folder: Path, *, n_faulty: int = 0) -> Material:
    """Read what a recipe names, as slices for a 2-D network and as volumes for a 3-D one.

    Paths are relative to `folder`.

    Parameters
    ----------
    n_faulty
        Copies with faults drawn at random that each piece to train on gets.

    Raises
    ------
    InputError
        If an image or its labels are missing or do not fit each other or the network.
    """
    split = split_images(recipe, folder)
    rng = np.random.default_rng(recipe.schedule.seed)
    return Material(
        tuple(_with_copies(raw, n_faulty, rng) for raw in split.train),
        tuple(raw.prepare() for raw in split.choice),
        # A piece without any object has no score.
        tuple(piece for piece in (raw.prepare() for raw in split.test) if piece.segments.any()),
        split.image_sha256s,
    )


def split_images(recipe: Recipe, folder: Path) -> Split:
    """Read and part what a recipe names, as it was recorded; see `load_material`."""
    if recipe.generated is not None:
        return split_in_order(list(_generated_slices(recipe.generated, recipe.spec)))
    split = split_into_slices if recipe.spec.ndim == 2 else split_into_volumes
    train: list[RawPiece] = []
    choice: list[RawPiece] = []
    test: list[RawPiece] = []
    digests: list[str] = []
    for entry in recipe.images:
        pairs = find_pairs(entry, folder)
        digests += [hashlib.sha256(image.read_bytes()).hexdigest() for image, _ in pairs]
        stacks = [_read(entry, *pair) for pair in pairs]
        for part in split(entry, stacks, recipe.spec):
            train += part.train[:: entry.every]
            choice += part.choice[:: entry.every]
            test += part.test[:: entry.every]
    return Split(tuple(train), tuple(choice), tuple(test), tuple(digests))


def _with_copies(raw: RawPiece, n_faulty: int, rng: np.random.Generator) -> Piece:
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


def _generated_slices(entry: GeneratedEntry, spec: NetworkSpec) -> Iterator[RawPiece]:
    for index in range(entry.n_images):
        # A generator an image: the same image whatever was drawn before it.
        rng = np.random.default_rng([entry.seed, index])
        made = generate_training_image((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        yield RawPiece(
            _GENERATED, image.astype(np.float32), made.segments.astype(np.int32), spec, group=index
        )


_GENERATED = ImageEntry(image="generated", labels="generated")
