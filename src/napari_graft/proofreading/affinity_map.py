"""The affinities of a region of the image, and what they say of borders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import rank
from napari_graft.segmentation.mutex_watershed import Offset, pixel_pairs

_REACH = 9
"""Pixels of the longest offset that is used: across more, a border can hardly be told from two."""

_SIGMA = 1.0
"""Pixels by which borders are blurred, so that noise makes no basin."""
_ABOVE_ALL = 2.0
_BITS = 31
_LARGEST_REGION = 2**_BITS - 1
"""Up to here two numbers of regions fit into one of 64 bits."""


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

    def select(self, chosen: NDArray[np.bool] | NDArray[np.intp] | slice) -> Borders:
        """Return some of the borders; `chosen` is an index of them."""
        return Borders(self.pairs[chosen], self.affinity[chosen], self.counts[chosen], self.positions[chosen])


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

    def basins(self, mask: NDArray[np.bool]) -> NDArray[np.int32]:
        """Cut a mask into the basins of a watershed on the borders (`boundary`), which are a little blurred.

        Returns
        -------
        regions
            (*spatial), 1… in the mask, 0 outside.
        """
        from scipy.ndimage import gaussian_filter
        from skimage.segmentation import watershed

        # Where nothing is a basin all is border, so that each part of the mask has one.
        heights = np.where(mask, gaussian_filter(self.boundary(), _SIGMA), _ABOVE_ALL)
        return np.asarray(watershed(heights, mask=mask), np.int32)

    def borders(self, regions: NDArray[np.integer]) -> Borders:
        """Return the borders of regions that lie on both ends of any affinity.

        Parameters
        ----------
        regions
            (*spatial) of this box; 0 is no region.
        """
        if int(regions.max(initial=0)) > _LARGEST_REGION:
            ids, index = rank(regions.reshape(-1))
            numbered = np.where(regions > 0, index.reshape(regions.shape) + 1, 0)
            found = self.borders(numbered)
            return replace(found, pairs=ids[found.pairs - 1].astype(np.int64))
        keys, values, pixels = [], [], []
        for affinity, offset in self._short():
            here, there = pixel_pairs(regions.shape, offset)
            first, second = regions[here].reshape(-1), regions[there].reshape(-1)
            at = np.flatnonzero((first != second) & (first > 0) & (second > 0))
            ends = first.take(at).astype(np.int64), second.take(at).astype(np.int64)
            keys.append((np.minimum(*ends) << _BITS) | np.maximum(*ends))
            values.append(affinity[here].reshape(-1).take(at))
            middle = [side.start + o // 2 for side, o in zip(here, offset, strict=True)]
            pixels.append(_flat(at, regions[here].shape, middle, regions.shape))
        return _gather(np.concatenate(keys), np.concatenate(values), np.concatenate(pixels), regions.shape)

    def _short(self) -> Iterator[tuple[NDArray[np.float32], Offset]]:
        for values, offset in zip(self.values, self.offsets, strict=True):
            longest = max(map(abs, offset))
            if longest <= _REACH and all(abs(o) < n for o, n in zip(offset, self.tile.shape, strict=True)):
                yield values, offset


def _flat(
    at: NDArray[np.intp], shape: Sequence[int], start: Sequence[int], whole: Sequence[int]
) -> NDArray[np.int64]:
    """Return the flat index in an image of pixels of a box in it, whose flat index in the box is `at`."""
    inside = np.unravel_index(at, shape)
    moved = tuple(axis + a for axis, a in zip(inside, start, strict=True))
    return np.asarray(np.ravel_multi_index(moved, whole), np.int64)


def _gather(
    keys: NDArray[np.int64], values: NDArray[np.float32], pixels: NDArray[np.int64], shape: Sequence[int]
) -> Borders:
    """Gather what is known of each pair of regions, the smaller in the upper bits of its key."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: keys.size])
    counts = np.diff(starts, append=keys.size)
    sums = np.add.reduceat(values[order], starts, dtype=np.float64) if keys.size else np.zeros(0)
    pairs = np.stack([keys[starts] >> _BITS, keys[starts] & _LARGEST_REGION], axis=1)
    positions = np.stack(np.unravel_index(pixels[order[starts + counts // 2]], shape), axis=1)
    return Borders(pairs, sums / counts, counts, positions)
