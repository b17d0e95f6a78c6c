"""The affinities of a region of the image, and what they say of borders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import rank
from napari_graft.segmentation.mutex_watershed import Offset, pixel_pairs

_REACH = 9
"""Pixels of the longest offset that is used: across more, a border can hardly be told from two."""


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Borders between regions, each pair of regions once, the smaller first.

    Parameters
    ----------
    pairs
        (n, 2) int64, the regions.
    affinity
        (n,) float64, the mean of the affinities across the border, 0 to 1.
    counts
        (n,) int64, how many affinities that is.
    positions
        (n, ndim) int64, a pixel at the middle of each border.
    """

    pairs: NDArray[np.int64]
    affinity: NDArray[np.float64]
    counts: NDArray[np.int64]
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class AffinityMap:
    """Affinities of a box of the image.

    Parameters
    ----------
    values
        (K, *spatial) float32, 0 to 1: whether the pixels p and p + offset are one object.
    offsets
        K offsets in pixels, the nearest neighbours first, one for each axis.
    start
        Where in the image the first pixel lies, None for its first pixel.
    """

    values: NDArray[np.float32]
    offsets: Sequence[Offset]
    start: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        n_axes = self.values.ndim - 1
        if len(self.values) != len(self.offsets) or any(len(offset) != n_axes for offset in self.offsets):
            raise InputError(
                f"affinities of shape {self.values.shape} do not fit the offsets {self.offsets}: give a "
                "channel for each, and as many axes"
            )
        nearest = sorted(tuple(map(abs, offset)) for offset in self.offsets[:n_axes])
        if nearest != sorted(map(tuple, np.eye(n_axes, dtype=int).tolist())):
            raise InputError(f"offsets {self.offsets}: the first {n_axes} must be the nearest neighbours")

    @property
    def tile(self) -> Tile:
        """The box of the image."""
        shape = self.values.shape[1:]
        return Tile((0,) * len(shape) if self.start is None else self.start, shape)

    def crop(self, box: Tile) -> AffinityMap:
        """Return the affinities of a smaller box, without a copy.

        Raises
        ------
        InputError
            If they do not cover it.
        """
        if not self.tile.contains(box):
            raise InputError(
                f"the affinities at {self.tile.start} of shape {self.tile.shape} do not cover the box at "
                f"{box.start} of shape {box.shape}: predict that region first"
            )
        inside = box.shift([-a for a in self.tile.start]).slices
        return AffinityMap(self.values[:, *inside], self.offsets, box.start)

    def boundary(self) -> NDArray[np.float32]:
        """Return how likely a border runs through each pixel, (*spatial) float32, 0 to 1.

        The mean of 1 minus the affinities of all pairs of pixels whose middle the pixel is: the nearest ones
        say where the border is, the longer ones close its gaps.
        """
        total, count = (np.zeros(self.tile.shape, np.float32) for _ in range(2))
        for values, offset in self._short():
            here, _ = pixel_pairs(self.tile.shape, offset)
            repulsion = 1 - values[here]
            for round_up in (0, 1):
                way = [(abs(o) + round_up) // 2 * (1 if o > 0 else -1) for o in offset]
                middle = tuple(
                    slice(side.start + step, side.stop + step) for side, step in zip(here, way, strict=True)
                )
                total[middle] += repulsion
                count[middle] += 1
        return np.asarray(total / np.maximum(count, 1), np.float32)

    def nearest(self) -> NDArray[np.float32]:
        """Return the largest affinity of each pixel to a nearest neighbour, (*spatial) float32."""
        n_axes = self.tile.ndim
        largest = np.zeros(self.tile.shape, np.float32)
        for values, offset in zip(self.values[:n_axes], self.offsets[:n_axes], strict=True):
            here, there = pixel_pairs(self.tile.shape, offset)
            for end in (here, there):
                np.maximum(largest[end], values[here], out=largest[end])
        return largest

    def borders(self, regions: NDArray[np.integer]) -> Borders:
        """Return the borders of regions that lie on both ends of any affinity.

        Parameters
        ----------
        regions
            (*spatial) of this box; 0 is no region.
        """
        ends, values, places = [], [], []
        for affinity, offset in self._short():
            here, there = pixel_pairs(regions.shape, offset)
            first, second = regions[here], regions[there]
            is_border = np.nonzero((first != second) & (first > 0) & (second > 0))
            ends.append(np.stack([first[is_border], second[is_border]], axis=1).astype(np.int64))
            values.append(affinity[here][is_border].astype(np.float64))
            middle = [at + side.start + o // 2 for at, side, o in zip(is_border, here, offset, strict=True)]
            places.append(np.stack(middle, axis=1))
        return _gather(np.sort(np.concatenate(ends), axis=1), np.concatenate(values), np.concatenate(places))

    def _short(self) -> Iterator[tuple[NDArray[np.float32], Offset]]:
        for values, offset in zip(self.values, self.offsets, strict=True):
            longest = max(map(abs, offset))
            if longest <= _REACH and all(abs(o) < n for o, n in zip(offset, self.tile.shape, strict=True)):
                yield values, offset


def _gather(pairs: NDArray[np.int64], values: NDArray[np.float64], places: NDArray[np.int64]) -> Borders:
    """Gather what is known of each pair of regions."""
    regions, ends = rank(pairs.reshape(-1))
    smaller, larger = ends.reshape(-1, 2).T
    keys, index = rank(smaller * regions.size + larger)
    counts = np.bincount(index, minlength=keys.size)
    order = np.argsort(index, kind="stable")
    middle = order[np.cumsum(counts) - counts + counts // 2]
    different = regions[np.stack(np.divmod(keys, max(regions.size, 1)), axis=1).astype(np.intp)]
    means = np.bincount(index, values, minlength=keys.size) / counts
    return Borders(different.astype(np.int64), means, counts, places[middle])
