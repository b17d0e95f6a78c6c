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
    n_regions = int(regions.max(initial=0)) + 1
    pairs: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float32]] = []
    for weight, offset in zip(weights, offsets, strict=True):
        here, there = pixel_pairs(regions.shape, offset)
        first, second, strength = regions[here], regions[there], weight[here]
        if cell > 1:
            centres = cell_centres(first.shape, cell)
            first, second, strength = first[centres], second[centres], cell_means(strength, cell)
        is_edge = (first != second) & (first > 0) & (second > 0)
        a, b = first[is_edge].astype(np.int64), second[is_edge].astype(np.int64)
        pairs.append(np.minimum(a, b) * n_regions + np.maximum(a, b))
        values.append(strength[is_edge])
    keys, maxima = _maximum_of_each(np.concatenate(pairs), np.concatenate(values), n_regions**2)
    ends = np.stack(np.divmod(keys, n_regions), axis=1).astype(np.uint64)
    return Edges(ends, maxima)


def _maximum_of_each(
    keys: NDArray[np.int64], values: NDArray[np.float32], n_keys: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the different keys in rising order, and the largest value of each.

    Key and value are packed into one integer, because sorting plain integers is many times faster than
    sorting indices; the values keep at most 24 bits.
    """
    n_bits = min(24, 63 - n_keys.bit_length())
    scale = (1 << n_bits) - 1
    packed = (keys << n_bits) | np.rint(values.astype(np.float64) * scale).astype(np.int64)
    packed.sort()
    sorted_keys = packed >> n_bits
    is_last = np.ones(packed.size, bool)
    is_last[:-1] = sorted_keys[1:] != sorted_keys[:-1]
    return sorted_keys[is_last], ((packed[is_last] & scale) / scale).astype(np.float32)
