"""Smaller levels of an image and its labels in an OME-Zarr: a viewer need not read all of a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile, TileGrid
from napari_graft.io.writers.staging import add_array

if TYPE_CHECKING:
    import zarr

_SMALL = 256
"""Pixels along y and x from which on no smaller level is made."""

Factors = tuple[int, ...]
Reduce = Callable[[NDArray[Any], Factors], NDArray[Any]]


def level_factors(shape: Sequence[int], axes: Axes) -> list[Factors]:
    """Return how many pixels one of each smaller level is long on each axis, level after level.

    y and x are halved until both are at most 256 pixels, z while its pixels are shorter than twice those of
    the slice, so that the pixels of small levels are about as long as they are wide.
    """
    sizes = axes.pixel_size or (1.0,) * axes.ndim
    found: list[Factors] = []
    factors = (1,) * axes.ndim
    while max(-(-n // f) for n, f in zip(shape[-2:], factors[-2:], strict=True)) > _SMALL:
        lengths = [size * f for size, f in zip(sizes, factors, strict=True)]
        in_plane = min(lengths[-2:])
        halved = [axis >= axes.ndim - 2 or length < 2 * in_plane for axis, length in enumerate(lengths)]
        factors = tuple(f * (1 + one) for f, one in zip(factors, halved, strict=True))
        found.append(factors)
    return found


def write_levels(
    group: zarr.Group, names: tuple[str, ...], factors: Sequence[Factors], reduce: Reduce
) -> Iterator[tuple[int, int]]:
    """Write the arrays ``1``, ``2`` … of a group, each from the one before, block by block.

    Yields how many blocks are written, and of how many.

    Parameters
    ----------
    names
        Of the axes of the array ``0``, channels among them.
    factors
        How many pixels one of each level is long, as many as axes.
    reduce
        `most_common` or `mean_of`.
    """
    before: zarr.Array[Any] = group["0"]  # type: ignore[assignment]  # an array, as we made it
    grids = [_grid(before, one) for one in factors]
    n_done, n_blocks = 0, sum(map(len, grids))
    last = (1,) * before.ndim
    for number, (one, grid) in enumerate(zip(factors, grids, strict=True), 1):
        step = tuple(b // a for a, b in zip(last, one, strict=True))
        level = add_array(group, str(number), names, (grid.bounds, grid.tile_shape), before.dtype)
        for block in grid:
            yield n_done, n_blocks
            source = Tile(
                tuple(a * f for a, f in zip(block.start, step, strict=True)),
                tuple(n * f for n, f in zip(block.shape, step, strict=True)),
            ).clip(before.shape)
            level[block.slices] = reduce(np.asarray(before[source.slices]), step)
            n_done += 1
        before, last = level, one


def most_common(labels: NDArray[Any], step: Factors) -> NDArray[Any]:
    """Return the label that most pixels of each box of `step` pixels have, of two the one that comes first.

    A box at the end that is not whole counts with its last pixels repeated.

    >>> most_common(np.array([[1, 2, 3], [2, 2, 3]]), (2, 2)).tolist()
    [[2, 3]]
    """
    pixels = _pixels_of_boxes(labels, step)
    best, most = pixels[0], np.zeros(pixels[0].shape, np.uint8)
    for one in pixels:
        count = np.sum([one == other for other in pixels], axis=0, dtype=np.uint8)
        best = np.where(count > most, one, best)
        most = np.maximum(most, count)
    return best


def mean_of(image: NDArray[Any], step: Factors) -> NDArray[Any]:
    """Return the mean of each box of `step` pixels, rounded where the image has whole numbers.

    >>> mean_of(np.array([[1, 2, 3], [2, 2, 3]]), (2, 2)).tolist()
    [[2, 3]]
    """
    mean = np.mean(_pixels_of_boxes(image, step), axis=0)
    return np.asarray(np.rint(mean) if image.dtype.kind in "iu" else mean, image.dtype)


def _pixels_of_boxes(pixels: NDArray[Any], step: Factors) -> list[NDArray[Any]]:
    """Return the first pixel of all boxes, then the second, and so on."""
    missing = [(0, -n % f) for n, f in zip(pixels.shape, step, strict=True)]
    padded = np.pad(pixels, missing, mode="edge")
    return [
        padded[tuple(slice(a, None, f) for a, f in zip(first, step, strict=True))]
        for first in product(*map(range, step))
    ]


def _grid(full: zarr.Array[Any], factors: Factors) -> TileGrid:
    smaller = tuple(-(-n // f) for n, f in zip(full.shape, factors, strict=True))
    return TileGrid(smaller, tuple(map(min, full.chunks, smaller)))
