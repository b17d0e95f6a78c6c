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
_AXES = {"xy": 0, "xz": 1, "yz": 2}


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
        stacks = [_read_stack(*pair) for pair in pairs]
        for part in _split_entry(entry, stacks, recipe.spec.pixel_size):
            train += part.train[:: entry.every]
            choice += part.choice[:: entry.every]
            # A slice without any object has no score.
            test += [s for s in part.test[:: entry.every] if s.segments.any()]
    return Material(tuple(train), tuple(choice), tuple(test), tuple(digests))


def _pairs(entry: ImageEntry, folder: Path) -> list[tuple[Path, Path]]:
    images, labels = sorted(folder.glob(entry.image)), sorted(folder.glob(entry.labels))
    if not images or len(images) != len(labels):
        raise InputError(
            f"{entry.image!r} names {len(images)} images and {entry.labels!r} {len(labels)} label files in "
            f"{str(folder)!r}: they must pair up; check the recipe's folder"
        )
    return list(zip(images, labels, strict=True))


@dataclass(frozen=True, slots=True)
class _Stack:
    """Images, normalised (z, y, x), and their segments, on the grid of the file."""

    images: NDArray[np.float32]
    segments: NDArray[np.int32]

    def first(self, n: int, axis: int) -> _Stack:
        """Return the first `n` planes across `axis`."""
        cut = (slice(None),) * axis + (slice(n),)
        return _Stack(self.images[cut], self.segments[cut])


def _read_stack(image_path: Path, labels_path: Path) -> _Stack:
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
    return _Stack(images, segments)


def _slices(
    entry: ImageEntry, stack: _Stack, plane: str, pixel_size: tuple[float, ...] | None
) -> list[Slice]:
    axis = _AXES[plane]
    pairs = zip(np.moveaxis(stack.images, axis, 0), np.moveaxis(stack.segments, axis, 0), strict=True)
    return [_prepare(entry, image, segments, pixel_size) for image, segments in pairs]


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


def _split_entry(
    entry: ImageEntry, stacks: Sequence[_Stack], pixel_size: tuple[float, ...] | None
) -> Iterator[Material]:
    if len(entry.planes) > 1:
        if len(stacks) > 1:
            raise InputError(
                f"{entry.image!r} names {len(stacks)} volumes to slice in several planes: give each an entry "
                "of its own"
            )
        yield _split_volume(entry, stacks[0], pixel_size)
        return
    sliced = [_slices(entry, stack, entry.planes[0], pixel_size) for stack in stacks]
    if entry.split != "slices":
        yield from (_split_field(slices, axis=("rows", "columns").index(entry.split)) for slices in sliced)
    elif len(stacks) > 1:
        # Numbered files are independent images: the last fifth of the files is the test part.
        yield _split([Slice(s.image, s.segments, i) for i, slices in enumerate(sliced) for s in slices], ())
    else:
        yield _split(sliced[0], ())


def _split_volume(entry: ImageEntry, stack: _Stack, pixel_size: tuple[float, ...] | None) -> Material:
    """Split along the first plane; the others run through the training part alone."""
    first, *others = entry.planes
    split = _split(_slices(entry, stack, first, pixel_size), ())
    trained = stack.first(len(split.train), _AXES[first])
    more = [s for plane in others for s in _grouped(_slices(entry, trained, plane, pixel_size))]
    return Material((*split.train, *more), split.choice, split.test, ())


def _split(slices: Sequence[Slice], digests: tuple[str, ...]) -> Material:
    n_test = max(1, len(slices) // _TEST_SHARE)
    # Neighbouring slices are alike: the choosing part is one block at the end, not every eighth slice.
    used = _grouped(slices[:-n_test])
    n_choice = max(1, len(used) // _CHOICE_SHARE)
    return Material(tuple(used[:-n_choice]), tuple(used[-n_choice:]), tuple(slices[-n_test:]), digests)


def _grouped(slices: Sequence[Slice]) -> list[Slice]:
    """Give each block of neighbours a number."""
    block = max(1, len(slices) // 8)
    return [Slice(s.image, s.segments, i // block) for i, s in enumerate(slices)]


def _split_field(slices: Sequence[Slice], axis: int) -> Material:
    train, choice, test = [], [], []
    for s in slices:
        n = s.image.shape[axis]
        cut_test = n - n // _TEST_SHARE
        cut_choice = cut_test - cut_test // _CHOICE_SHARE
        train.append(_strip(s, axis, 0, cut_choice))
        choice.append(_strip(s, axis, cut_choice, cut_test))
        test.append(_strip(s, axis, cut_test, n))
    return Material(tuple(train), tuple(choice), tuple(test), ())


def _strip(s: Slice, axis: int, start: int, stop: int) -> Slice:
    cut = (slice(None),) * axis + (slice(start, stop),)
    return Slice(np.ascontiguousarray(s.image[cut]), np.ascontiguousarray(s.segments[cut]), 0)


def _generated_slices(entry: GeneratedEntry) -> Iterator[Slice]:
    for index in range(entry.n_images):
        # A generator an image: the same image whatever was drawn before it.
        rng = np.random.default_rng([entry.seed, index])
        made = generate_training_image((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        yield Slice(image.astype(np.float32), made.segments.astype(np.int32), index)
