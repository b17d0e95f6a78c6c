"""Which part of a labelled image may be annotated, and which is only for the final score."""

from __future__ import annotations

from dataclasses import dataclass

from napari_graft.core.tile import Tile
from napari_graft.recipes.pieces import TEST_SHARE


@dataclass(frozen=True, slots=True)
class TestSplit:
    """Split of an image into what may be annotated and what only the final score sees.

    Parameters
    ----------
    annotatable
        Where tiles may be suggested.
    test
        Tiles to score on.
    """

    annotatable: Tile
    test: tuple[Tile, ...]


def split_for_test(shape: tuple[int, ...]) -> TestSplit:
    """Set aside the last fifth: of the slices of a stack, of the rows of a single image."""
    length = shape[0]
    n_test = max(1, length // TEST_SHARE)
    if len(shape) == 2 or length == 1:
        axis = len(shape) - 2
        n_test = max(1, shape[axis] // TEST_SHARE)
        kept = tuple(n - n_test if i == axis else n for i, n in enumerate(shape))
        start = tuple(shape[axis] - n_test if i == axis else 0 for i in range(len(shape)))
        strip = tuple(n_test if i == axis else n for i, n in enumerate(shape))
        return TestSplit(Tile((0,) * len(shape), kept), (Tile(start, strip),))
    annotatable = Tile((0,) * len(shape), (length - n_test, *shape[1:]))
    tests = tuple(
        Tile((z, *(0,) * (len(shape) - 1)), (1, *shape[1:])) for z in range(length - n_test, length)
    )
    return TestSplit(annotatable, tests)
