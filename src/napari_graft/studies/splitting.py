"""Which part of a labelled set tiles may come from, and which part only the score sees."""

from __future__ import annotations

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.session.demo import TestSplit, read_truth, split_for_test
from napari_graft.studies.targets import LEAST_OBJECTS

GAP_SHARE = 20
"""One part in so many of the image, but at least one slice, lies between the two parts of a set."""


def split_with_gap(shape: tuple[int, ...], most_test_tiles: int) -> TestSplit:
    """Return the last fifth as the test part, and what lies before it less a gap as the pool.

    Without a gap the last slices of the pool of a stack show nearly what the first ones of the test part do.

    Parameters
    ----------
    shape
        Of the image.
    most_test_tiles
        So many slices of the test part are scored, spread evenly.
    """
    split = split_for_test(shape)
    kept = split.annotatable.shape
    axis = next(i for i, (all_, pool) in enumerate(zip(shape, kept, strict=True)) if all_ != pool)
    gap = max(1, shape[axis] // GAP_SHARE)
    if kept[axis] <= gap:
        raise InputError(f"an image of {shape} is too small for a pool, a gap and a test part")
    pool = tuple(n - gap if i == axis else n for i, n in enumerate(kept))
    step = -(-len(split.test) // most_test_tiles)
    return TestSplit(Tile(split.annotatable.start, pool), split.test[::step])


def count_objects(labels: Volume, tiles: tuple[Tile, ...]) -> int:
    """Return the number of true objects of tiles, each counted for itself."""
    return sum(int(np.count_nonzero(np.unique(read_truth(labels, tile)))) for tile in tiles)


def require_objects(name: str, n_objects: int, least: int = LEAST_OBJECTS) -> None:
    """Refuse a test part with too few objects.

    Raises
    ------
    InputError
        If there are fewer than `least`.
    """
    if n_objects < least:
        raise InputError(
            f"the test part of {name!r} holds {n_objects} objects, and {least} are needed for a score that "
            "says something: leave this set out"
        )
