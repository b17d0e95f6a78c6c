"""Split images and stacks into slices to train, validate and test a 2-D network on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.recipes.pieces import TEST_SHARE
from napari_graft.recipes.raw_pieces import RawDatasetSplit, RawSample
from napari_graft.recipes.recipe import ImageEntry
from napari_graft.recipes.stacks import Stack
from napari_graft.segmentation.diameter import median_diameter, object_diameters, usual_diameter
from napari_graft.sources.network_spec import NetworkSpec

# Of what is not only scored, one slice in eight validates.
_VALIDATION_SHARE = 8
_AXES = {"xy": 0, "xz": 1, "yz": 2}


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
    n_validation = max(1, len(used) // _VALIDATION_SHARE)
    return RawDatasetSplit(tuple(used[:-n_validation]), tuple(used[-n_validation:]), tuple(slices[-n_test:]))


def _slices(entry: ImageEntry, stack: Stack, plane: str, spec: NetworkSpec) -> list[RawSample]:
    axis = _AXES[plane]
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
    trained = stack.cut(0, len(split.train), _AXES[first])
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
        cut_validation = cut_test - cut_test // _VALIDATION_SHARE
        train.append(replace(s, box=(*before, slice(cut_validation))))
        validation.append(replace(s, box=(*before, slice(cut_validation, cut_test))))
        test.append(replace(s, box=(*before, slice(cut_test, n))))
    return RawDatasetSplit(tuple(train), tuple(validation), tuple(test))
