"""Turn the images that a recipe names into slices to train on, to choose on, and to score on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.imaging.intensity import estimate_intensity_range
from napari_graft.imaging.resample import resample_image, resample_labels, scaled_shape
from napari_graft.io import open_labels, open_volume
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe
from napari_graft.samples.training import generate_training_image

# The last fifth is only scored; of the rest, one slice in eight chooses the best checkpoint.
_TEST_SHARE = 5
_CHOICE_SHARE = 8


@dataclass(frozen=True, slots=True)
class Slice:
    """Hold one 2-D image on the grid of the model with its segmentation.

    Parameters
    ----------
    image
        Normalised, float32 (y, x).
    segments
        0 background, 1… objects, int32 (y, x).
    group
        Number of the image or block of slices that it comes from.
    """

    image: NDArray[np.float32]
    segments: NDArray[np.int32]
    group: int

    @property
    def annotation(self) -> NDArray[np.int32]:
        """The segmentation as a complete annotation."""
        return to_annotation(self.segments).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Material:
    """Hold slices: `train`, `choice` for the best checkpoint, `test` for the score on the card."""

    train: tuple[Slice, ...]
    choice: tuple[Slice, ...]
    test: tuple[Slice, ...]
    image_sha256s: tuple[str, ...]


def load_material(recipe: Recipe, folder: Path) -> Material:
    """Read what a recipe names; paths are relative to `folder`.

    Raises
    ------
    InputError
        If an image or its labels are missing or do not fit each other.
    """
    if recipe.generated is not None:
        return _split(list(_generated_slices(recipe.generated)), ())
    train: list[Slice] = []
    choice: list[Slice] = []
    test: list[Slice] = []
    digests: list[str] = []
    for entry in recipe.images:
        pairs = _pairs(entry, folder)
        digests += [hashlib.sha256(image.read_bytes()).hexdigest() for image, _ in pairs]
        # Numbered files are independent images: the last fifth of the files is the test part.
        stacks = [list(_read_slices(entry, *pair, recipe.spec.pixel_size)) for pair in pairs]
        for part in _split_entry(entry, stacks):
            train += part.train
            choice += part.choice
            test += part.test
    return Material(tuple(train), tuple(choice), tuple(test), tuple(digests))


def _pairs(entry: ImageEntry, folder: Path) -> list[tuple[Path, Path]]:
    images, labels = sorted(folder.glob(entry.image)), sorted(folder.glob(entry.labels))
    if not images or len(images) != len(labels):
        raise InputError(
            f"{entry.image!r} names {len(images)} images and {entry.labels!r} {len(labels)} label files in "
            f"{str(folder)!r}: they must pair up; check the recipe's folder"
        )
    return list(zip(images, labels, strict=True))


def _read_slices(
    entry: ImageEntry, image_path: Path, labels_path: Path, pixel_size: tuple[float, ...] | None
) -> Iterator[Slice]:
    volume = open_volume(str(image_path))
    labels = open_labels(str(labels_path))
    if volume.shape != labels.shape:
        raise InputError(
            f"{image_path.name} has shape {volume.shape}, its labels {labels.shape}: they must agree"
        )
    intensity = estimate_intensity_range(volume, np.random.default_rng(0))
    whole = Tile((0,) * len(volume.shape), volume.shape)
    images = intensity.normalise(volume.read(whole))
    segments = np.asarray(labels.read_raw(whole)).astype(np.int32)
    if images.ndim == 2:
        images, segments = images[None], segments[None]
    for plane in entry.planes:
        axis = {"xy": 0, "xz": 1, "yz": 2}[plane]
        for image, segment in zip(np.moveaxis(images, axis, 0), np.moveaxis(segments, axis, 0), strict=True):
            yield _prepare(entry, image, segment, pixel_size)


def _prepare(
    entry: ImageEntry,
    image: NDArray[np.float32],
    segments: NDArray[np.int32],
    pixel_size: tuple[float, ...] | None,
) -> Slice:
    from skimage.measure import label
    from skimage.segmentation import find_boundaries

    if entry.pixel_size is not None and pixel_size is not None:
        shape = scaled_shape(image.shape, entry.pixel_size[-2:], pixel_size)
        image, segments = resample_image(image, shape), np.asarray(resample_labels(segments, shape))
    if entry.split_objects:
        segments = label(segments, connectivity=1)
    for _ in range(entry.border):
        segments = np.where(find_boundaries(segments, mode="inner", connectivity=1), 0, segments)
    return Slice(np.ascontiguousarray(image), np.ascontiguousarray(segments, dtype=np.int32), 0)


def _split_entry(entry: ImageEntry, stacks: Sequence[Sequence[Slice]]) -> Iterator[Material]:
    if entry.split == "columns":
        for stack in stacks:
            yield _split_columns(stack)
    elif len(stacks) > 1:
        yield _split([Slice(s.image, s.segments, i) for i, stack in enumerate(stacks) for s in stack], ())
    else:
        n_planes = len(entry.planes)
        n_slices = len(stacks[0]) // n_planes
        for plane in range(n_planes):
            yield _split(stacks[0][plane * n_slices : (plane + 1) * n_slices], ())


def _split(slices: Sequence[Slice], digests: tuple[str, ...]) -> Material:
    n_test = max(1, len(slices) // _TEST_SHARE)
    used = slices[:-n_test]
    n_choice = max(1, len(used) // _CHOICE_SHARE)
    # Neighbouring slices are alike: the choosing part is one block at the end, not every eighth slice.
    blocks = max(1, len(used) // 8)
    grouped = [Slice(s.image, s.segments, i // blocks) for i, s in enumerate(used)]
    return Material(tuple(grouped[:-n_choice]), tuple(grouped[-n_choice:]), tuple(slices[-n_test:]), digests)


def _split_columns(stack: Sequence[Slice]) -> Material:
    train, choice, test = [], [], []
    for s in stack:
        width = s.image.shape[1]
        cut_test = width - width // _TEST_SHARE
        cut_choice = cut_test - cut_test // _CHOICE_SHARE
        train.append(_columns(s, 0, cut_choice))
        choice.append(_columns(s, cut_choice, cut_test))
        test.append(_columns(s, cut_test, width))
    return Material(tuple(train), tuple(choice), tuple(test), ())


def _columns(s: Slice, start: int, stop: int) -> Slice:
    return Slice(
        np.ascontiguousarray(s.image[:, start:stop]), np.ascontiguousarray(s.segments[:, start:stop]), 0
    )


def _generated_slices(entry: GeneratedEntry) -> Iterator[Slice]:
    for index in range(entry.n_images):
        # A generator an image: the same image whatever was drawn before it.
        rng = np.random.default_rng([entry.seed, index])
        made = generate_training_image((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        yield Slice(image.astype(np.float32), made.segments.astype(np.int32), index)
