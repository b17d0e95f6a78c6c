"""Split volumes into those to train, validate and test a 3-D network on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from napari_graft.core.errors import InputError
from napari_graft.recipes.pieces import TEST_SHARE, Sample
from napari_graft.recipes.raw_pieces import RawDatasetSplit, RawSample
from napari_graft.recipes.recipe import ImageEntry
from napari_graft.recipes.stacks import Stack
from napari_graft.sources.network_spec import NetworkSpec

# Of what is not only scored, a fifth validates: an eighth would be too thin.
_VALIDATION_SHARE = 5
_FEWEST_PLANES = 16
_N_BLOCKS = 8
_AXES = {"slices": 0, "rows": 1, "columns": 2}


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
    axis = _AXES[entry.split]
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
    validation = test - test // _VALIDATION_SHARE
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
