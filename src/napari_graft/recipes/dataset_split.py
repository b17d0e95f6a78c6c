"""Part the images of a recipe into samples to train on, to validate on, and to test on."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError, MaskMeaningError
from napari_graft.imaging.faults.registry import add_random_faults
from napari_graft.io.labels import MaskMeaning
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe
from napari_graft.recipes.samples import (
    TEST_SHARE,
    DatasetSplit,
    RawDatasetSplit,
    RawSample,
    Sample,
    Stack,
    find_pairs,
    read_stack,
)
from napari_graft.samples.presets import GENERATORS
from napari_graft.segmentation.objects import median_diameter, object_diameters, usual_diameter
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
    weights = _entry_weights(split.train) if recipe.balanced else [1.0] * len(split.train)
    return DatasetSplit(
        tuple(
            replace(_with_copies(raw, n_faulty, rng), weight=weight)
            for raw, weight in zip(split.train, weights, strict=True)
        ),
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


def _entry_weights(samples: Sequence[RawSample]) -> list[float]:
    """Return for each sample what its pixels count, so that all entries of a recipe count alike."""
    n_pixels: Counter[ImageEntry] = Counter()
    for sample in samples:
        n_pixels[sample.entry] += math.prod(sample.shape)
    mean = n_pixels.total() / max(1, len(n_pixels))
    return [mean / n_pixels[sample.entry] for sample in samples]


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
        made = GENERATORS[entry.content]((entry.size, entry.size), rng)
        low, high = np.percentile(made.image, (0.5, 99.5))
        image = np.clip(2 * (made.image - low) / max(high - low, 1) - 1, -1.5, 1.5)
        segments = made.segments.astype(np.int32)
        diameter = None if spec.object_diameter is None else usual_diameter(object_diameters(made.segments))
        yield RawSample(_GENERATED, image.astype(np.float32), segments, spec, diameter, group=index)


_GENERATED = ImageEntry(image="generated", labels="generated")


# Of what is not only scored, one slice in eight validates.
_VALIDATION_SHARE_OF_SLICES = 8
_AXIS_OF_PLANE = {"xy": 0, "xz": 1, "yz": 2}


def split_into_slices(
    entry: ImageEntry, stacks: Sequence[Stack], spec: NetworkSpec
) -> Iterator[RawDatasetSplit]:
    """Yield the parts of images or stacks, as slices.

    Raises
    ------
    InputError
        If several volumes are to be sliced in several planes.
    """
    if len(entry.planes) > 1:
        if len(stacks) > 1:
            raise InputError(
                f"{entry.image!r} names {len(stacks)} volumes to slice in several planes: give each an entry "
                "of its own"
            )
        yield _split_volume(entry, stacks[0], spec)
        return
    sliced = [_slices(entry, stack, entry.planes[0], spec) for stack in stacks]
    if entry.split != "slices":
        yield from (_split_field(slices, axis=("rows", "columns").index(entry.split)) for slices in sliced)
    elif len(stacks) > 1:
        # Numbered files are independent images: the last fifth of the files is the test part.
        yield split_in_order([replace(s, group=i) for i, slices in enumerate(sliced) for s in slices])
    else:
        yield split_in_order(sliced[0])


def split_in_order(slices: Sequence[RawSample]) -> RawDatasetSplit:
    """Split a row of slices: the last ones are the test part, those before them validate."""
    n_test = max(1, len(slices) // TEST_SHARE)
    # Neighbouring slices are alike: the choosing part is one block at the end, not every eighth slice.
    used = _grouped(slices[:-n_test])
    n_validation = max(1, len(used) // _VALIDATION_SHARE_OF_SLICES)
    return RawDatasetSplit(tuple(used[:-n_validation]), tuple(used[-n_validation:]), tuple(slices[-n_test:]))


def _slices(entry: ImageEntry, stack: Stack, plane: str, spec: NetworkSpec) -> list[RawSample]:
    axis = _AXIS_OF_PLANE[plane]
    images, labels = np.moveaxis(stack.images, axis, 0), np.moveaxis(stack.segments, axis, 0)
    # Of a stack all slices together say how wide the objects are, of images of their own each for itself.
    common = None if entry.independent else _diameter(entry, labels)
    return [
        RawSample(
            entry, image, segments, spec, _diameter(entry, segments[None]) if entry.independent else common
        )
        for image, segments in zip(images, labels, strict=True)
    ]


def _diameter(entry: ImageEntry, slices: NDArray[np.integer]) -> float | None:
    """Return how wide the objects of some slices are; where all have one id, those that pieces make."""
    from skimage.measure import label

    if not entry.split_objects:
        return median_diameter(slices)
    widths = [object_diameters(label(one, connectivity=1)) for one in slices]
    return usual_diameter(np.concatenate(widths))


def _split_volume(entry: ImageEntry, stack: Stack, spec: NetworkSpec) -> RawDatasetSplit:
    """Split along the first plane; the others run through the training part alone."""
    first, *others = entry.planes
    split = split_in_order(_slices(entry, stack, first, spec))
    trained = stack.cut(0, len(split.train), _AXIS_OF_PLANE[first])
    more = [s for plane in others for s in _grouped(_slices(entry, trained, plane, spec))]
    return RawDatasetSplit((*split.train, *more), split.validation, split.test)


def _grouped(slices: Sequence[RawSample]) -> list[RawSample]:
    """Give each block of neighbours a number."""
    block = max(1, len(slices) // 8)
    return [replace(s, group=i // block) for i, s in enumerate(slices)]


def _split_field(slices: Sequence[RawSample], axis: int) -> RawDatasetSplit:
    train, validation, test = [], [], []
    before = (slice(None),) * axis
    for s in slices:
        n = s.shape[axis]
        cut_test = n - n // TEST_SHARE
        cut_validation = cut_test - cut_test // _VALIDATION_SHARE_OF_SLICES
        train.append(replace(s, box=(*before, slice(cut_validation))))
        validation.append(replace(s, box=(*before, slice(cut_validation, cut_test))))
        test.append(replace(s, box=(*before, slice(cut_test, n))))
    return RawDatasetSplit(tuple(train), tuple(validation), tuple(test))


# Of what is not only scored, a fifth validates: an eighth would be too thin.
_VALIDATION_SHARE_OF_PLANES = 5
_FEWEST_PLANES = 16
_N_BLOCKS = 8
_AXIS_OF_SPLIT = {"slices": 0, "rows": 1, "columns": 2}


def split_into_volumes(
    entry: ImageEntry, stacks: Sequence[Stack], spec: NetworkSpec
) -> Iterator[RawDatasetSplit]:
    """Yield the parts of volumes; each is one block, so that no plane is beside one of another part.

    Split by slices, several volumes are one row of planes, whose last fifth is the test part. Split by rows
    or columns, each volume is cut for itself.

    Raises
    ------
    InputError
        If there are too few planes.
    """
    axis = _AXIS_OF_SPLIT[entry.split]
    for row in [list(stacks)] if axis == 0 else [[stack] for stack in stacks]:
        n_planes = sum(stack.images.shape[0] for stack in row)
        if n_planes < _FEWEST_PLANES or any(stack.images.shape[0] == 1 for stack in row):
            raise InputError(
                f"{entry.image!r} holds {n_planes} planes, too few for a 3-D network: give volumes of at "
                f"least {_FEWEST_PLANES}, or train a 2-D one"
            )
        train, validation, test = (
            tuple(RawSample(entry, part.images, part.segments, spec) for part in cut)
            for cut in _cut(row, axis)
        )
        yield RawDatasetSplit(train, validation, test)


def _cut(row: Sequence[Stack], axis: int) -> Iterator[list[Stack]]:
    """Yield the volumes, or parts of them, to train, validate and test on."""
    ends = list(accumulate(stack.images.shape[axis] for stack in row))
    n = ends[-1]
    test = n - n // TEST_SHARE
    validation = test - test // _VALIDATION_SHARE_OF_PLANES
    for start, stop in pairwise((0, validation, test, n)):
        inside = []
        for stack, end in zip(row, ends, strict=True):
            first = end - stack.images.shape[axis]
            if max(start, first) < min(stop, end):
                inside.append(stack.cut(max(start - first, 0), min(stop, end) - first, axis))
        yield inside


def plane_group(number: int, z: int, n_planes: int) -> int:
    """Return the number of the block of neighbours that a plane of volume `number` belongs to."""
    return number * _N_BLOCKS + z * _N_BLOCKS // n_planes


def planes_of(volumes: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return the slices of volumes, each with the number of its block."""
    return tuple(
        Sample(image, segments, plane_group(number, z, len(volume.image)))
        for number, volume in enumerate(volumes)
        for z, (image, segments) in enumerate(zip(volume.image, volume.segments, strict=True))
    )
