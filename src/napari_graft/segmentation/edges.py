"""Pairs of pixels at an offset, and the edges between regions that they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.segmentation.cells import cell_centres, cell_means

Slices = tuple[slice, ...]
Offset = Sequence[int]


@dataclass(frozen=True, slots=True)
class Edges:
    """Hold edges between regions, each pair of regions once.

    Parameters
    ----------
    ends
        (n, 2) uint64, the smaller region first.
    weights
        (n,) float32, 0 to 1.
    """

    ends: NDArray[np.uint64]
    weights: NDArray[np.float32]

    @classmethod
    def strongest(
        cls, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float32]
    ) -> Edges:
        """Keep the largest weight of each pair of regions, whichever way round, and no edge to itself."""
        is_edge = first != second
        first, second = first[is_edge], second[is_edge]
        n_regions = int(max(first.max(initial=0), second.max(initial=0))) + 1
        pairs = np.minimum(first, second) * n_regions + np.maximum(first, second)
        keys, maxima = _maximum_of_each(pairs, weights[is_edge], n_regions**2)
        return cls(np.stack(np.divmod(keys, n_regions), axis=1).astype(np.uint64), maxima)

    def between(self, regions: NDArray[np.int64]) -> Edges:
        """Return the edges after each region became part of another one."""
        first, second = regions[self.ends.T]
        return Edges.strongest(first, second, self.weights)


def pixel_pairs(shape: Sequence[int], offset: Offset) -> tuple[Slices, Slices]:
    """Return the slices of all pixels p for which p + `offset` is inside too, and those of p + `offset`."""
    here = tuple(slice(max(-o, 0), max(n - max(o, 0), 0)) for o, n in zip(offset, shape, strict=True))
    there = tuple(slice(max(o, 0), max(n + min(o, 0), 0)) for o, n in zip(offset, shape, strict=True))
    return here, there


def strongest_edges(
    regions: NDArray[np.int32],
    weights: Iterable[NDArray[np.float32]],
    offsets: Sequence[Offset],
    cell: int = 1,
) -> Edges:
    """Return, for all pairs of different regions that the offsets connect, the largest weight.

    In a mutex watershed only the strongest of parallel edges has an effect, so nothing is lost by keeping
    only that.

    Parameters
    ----------
    regions
        0 belongs to no region, 1… regions.
    weights
        For each offset (*spatial), the weight of the pair of pixels p and p + offset, 0 to 1.
    cell
        Length, along the last two axes, of the cells of pixels p that make one edge: from the centre of the
        cell, with the mean weight of its pixels. One odd pixel then forbids nothing.
    """
    firsts: list[NDArray[np.int32]] = []
    seconds: list[NDArray[np.int32]] = []
    strengths: list[NDArray[np.float32]] = []
    for weight, offset in zip(weights, offsets, strict=True):
        here, there = pixel_pairs(regions.shape, offset)
        first, second, strength = regions[here], regions[there], weight[here]
        if cell > 1:
            centres = cell_centres(first.shape, cell)
            first, second, strength = first[centres], second[centres], cell_means(strength, cell)
        is_edge = (first != second) & (first > 0) & (second > 0)
        firsts.append(first[is_edge])
        seconds.append(second[is_edge])
        strengths.append(strength[is_edge])
    near, far = np.concatenate(firsts).astype(np.int64), np.concatenate(seconds).astype(np.int64)
    return Edges.strongest(near, far, np.concatenate(strengths))


def _maximum_of_each(
    keys: NDArray[np.int64], values: NDArray[np.float32], n_keys: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the different keys in rising order, and the largest value of each.

    Key and value are packed into one integer, because sorting plain integers is many times faster than
    sorting indices; the values, 0 to 1, keep at most 24 bits.
    """
    n_bits = min(24, 63 - n_keys.bit_length())
    scale = (1 << n_bits) - 1
    levels = np.rint(np.clip(values, 0, 1).astype(np.float64) * scale).astype(np.int64)
    packed = (keys << n_bits) | levels
    packed.sort()
    sorted_keys = packed >> n_bits
    is_last = np.ones(packed.size, bool)
    is_last[:-1] = sorted_keys[1:] != sorted_keys[:-1]
    return sorted_keys[is_last], ((packed[is_last] & scale) / scale).astype(np.float32)
