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
    """Edges between regions, each pair of regions once.

    Parameters
    ----------
    ends
        (2, n) int32, the smaller region first; the pairs rise.
    weights
        (n,) float32, 0 to 1.
    """

    ends: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def strongest(
        cls, first: NDArray[np.int32], second: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> Edges:
        """Keep the largest weight of each pair of regions, whichever way round, and no edge to itself."""
        chosen = np.flatnonzero(first != second)
        first, second, weights = first.take(chosen), second.take(chosen), weights.take(chosen)
        smaller, larger = np.minimum(first, second), np.maximum(first, second)
        order, weights = _sort_by(larger, weights)
        smaller, larger = smaller.take(order), larger.take(order)
        order, weights = _sort_by(smaller, weights)
        smaller, larger = smaller.take(order), larger.take(order)
        is_new = np.ones(weights.size, bool)
        is_new[1:] = (smaller[1:] != smaller[:-1]) | (larger[1:] != larger[:-1])
        starts = np.flatnonzero(is_new)
        maxima = weights.take(starts)
        np.maximum.at(maxima, np.cumsum(is_new) - 1, weights)
        return cls(np.stack([smaller.take(starts), larger.take(starts)]), maxima)

    def between(self, regions: NDArray[np.int32]) -> Edges:
        """Return the edges after each region became part of another one."""
        return Edges.strongest(regions.take(self.ends[0]), regions.take(self.ends[1]), self.weights)


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
        is_edge = np.flatnonzero((first != second) & (first > 0) & (second > 0))
        firsts.append(first.reshape(-1).take(is_edge))
        seconds.append(second.reshape(-1).take(is_edge))
        strengths.append(strength.reshape(-1).take(is_edge))
    strongest = np.clip(np.concatenate(strengths), 0, 1)
    return Edges.strongest(np.concatenate(firsts), np.concatenate(seconds), strongest)


def _sort_by(
    keys: NDArray[np.int32], values: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the order that sorts small integers and leaves equal ones in theirs, and the values in it.

    A sparse matrix is turned round by a counting sort, which is several times faster than `numpy.argsort`.
    """
    from scipy.sparse import csr_array

    shape = keys.size, int(keys.max(initial=0)) + 1
    by_key = csr_array((values, keys, np.arange(keys.size + 1, dtype=np.int32)), shape=shape).tocsc()
    return by_key.indices, by_key.data
