"""The parts of the mutex watershed: edges between pixels, supervoxels, sure joins, and small fragments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from bioimage_cpp.utils import UnionFind
from numpy.typing import NDArray

Index = tuple[EllipsisType, NDArray[np.intp], NDArray[np.intp]]


def cell_centres(shape: Sequence[int], cell: int) -> Index:
    """Return the index of the centres of cells of `cell` x `cell` pixels, smaller ones at the far edges."""
    rows, columns = (np.minimum(_starts(n, cell) + cell // 2, n - 1) for n in shape[-2:])
    return (..., rows[:, None], columns)


def cell_means(values: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """Return the mean of the values in each cell."""
    sums = _sum_rows(_sum_rows(values, cell).swapaxes(-1, -2), cell).swapaxes(-1, -2)
    heights, widths = (np.minimum(cell, n - _starts(n, cell)) for n in values.shape[-2:])
    return np.asarray(sums / np.outer(heights, widths), np.float32)


def _sum_rows(values: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """Sum `cell` rows each; adding strided views is ten times faster than `numpy.add.reduceat`."""
    sums = np.zeros((*values.shape[:-2], -(-values.shape[-2] // cell), values.shape[-1]), np.float32)
    for row in range(cell):
        part = values[..., row::cell, :]
        sums[..., : part.shape[-2], :] += part
    return sums


def _starts(n_pixels: int, cell: int) -> NDArray[np.intp]:
    return np.arange(0, n_pixels, cell)


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


def find_supervoxels(
    mask: NDArray[np.bool], affinities: NDArray[np.float32], offsets: Sequence[Offset]
) -> NDArray[np.int32]:
    """Cut the mask into small regions: each pixel follows its strongest affinity, as water runs downhill.

    A mutex watershed on pixels takes these very edges first around each pixel; only where a still stronger
    repulsion stands against one does it decide otherwise.

    Parameters
    ----------
    mask
        Where objects can be.
    affinities
        (ndim, *spatial) of the nearest neighbours.
    offsets
        The ndim offsets to the nearest neighbours, one for each axis.

    Returns
    -------
    regions
        0 outside the mask, 1… consecutive.
    """
    pixels = np.arange(mask.size, dtype=np.int32)
    follows = pixels + _steps_to_strongest(mask, affinities, offsets).reshape(-1)
    # Affinities never fall along the way, so each way ends in two pixels that follow each other.
    is_end = (follows.take(follows) == pixels) & (pixels < follows)
    follows -= (follows - pixels) * is_end
    while True:
        further = follows.take(follows)
        if np.array_equal(further, follows):
            break
        follows = further
    is_root = mask.reshape(-1) & (follows == pixels)
    numbers = np.cumsum(is_root, dtype=np.int32)
    return numbers.take(follows).reshape(mask.shape) * mask


def _steps_to_strongest(
    mask: NDArray[np.bool], affinities: NDArray[np.float32], offsets: Sequence[Offset]
) -> NDArray[np.int32]:
    """Return the step in the flat image from each pixel to the neighbour that attracts it most, 0 to none.

    Of equal neighbours the first is taken, in the order of the offsets: without such an order ways could be
    circles.
    """
    strongest = np.zeros(mask.shape, np.float32)
    # Numbers of the steps, later ones greater: arithmetic on bytes is several times faster than `where`.
    choice = np.zeros(mask.shape, np.int8)
    steps = [0]
    pixel_steps = np.cumprod([1, *mask.shape[:0:-1]])[::-1]
    for affinity, offset in zip(affinities, offsets, strict=True):
        here, there = pixel_pairs(mask.shape, offset)
        weight = affinity[here] * (mask[here] & mask[there])
        step = int(np.dot(pixel_steps, offset))
        for end, way in ((here, step), (there, -step)):
            is_stronger = weight > strongest[end]
            np.maximum(choice[end], is_stronger * np.int8(len(steps)), out=choice[end])
            np.maximum(strongest[end], weight, out=strongest[end])
            steps.append(way)
    return np.array(steps, np.int32).take(choice)


N_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class RegionGraph:
    """Regions and the edges that join them or keep them apart.

    Parameters
    ----------
    core_pixels
        Pixels of each region that surely belong to some object, (n_regions,); region 0 is the background and
        has no edge.
    attractive, repulsive
        Edges between regions.
    """

    core_pixels: NDArray[np.int64]
    attractive: Edges
    repulsive: Edges

    @property
    def n_regions(self) -> int:
        """Number of regions, the background among them."""
        return self.core_pixels.size


def contract(graph: RegionGraph, bias: float) -> tuple[RegionGraph, NDArray[np.int32]]:
    """Return the graph with sure pairs of regions joined, and the new region of each old one.

    A region is joined to the one that attracts it most if that attraction, plus `bias`, is stronger than all
    that keeps the region from any other. When a mutex watershed comes to this edge the region still stands
    alone and nothing forbids the edge, so the result does not change.
    """
    regions = np.arange(graph.n_regions, dtype=np.int32)
    for _ in range(N_ROUNDS):
        joined = _join(graph, bias)
        graph = RegionGraph(
            np.bincount(joined, graph.core_pixels).astype(np.int64),
            graph.attractive.between(joined),
            graph.repulsive.between(joined),
        )
        regions = joined[regions]
    return graph, regions


def _join(graph: RegionGraph, bias: float) -> NDArray[np.int32]:
    attraction, repulsion = graph.attractive, _strongest(graph.repulsive, graph.n_regions)
    strongest = _strongest(attraction, graph.n_regions)
    # infinite where a region has to wait: no edge weighs as much
    sure = np.where(strongest + np.float32(bias) > repulsion, strongest, np.float32(np.inf))
    partner = np.arange(graph.n_regions, dtype=np.uint64)
    for near, far in (attraction.ends, attraction.ends[::-1]):
        is_chosen = np.flatnonzero(attraction.weights == sure.take(near))
        partner[near.take(is_chosen)] = far.take(is_chosen)
    union = UnionFind(graph.n_regions)
    union.merge(np.stack([np.arange(graph.n_regions, dtype=np.uint64), partner], axis=1))
    roots = np.asarray(union.element_labeling(), np.int64)
    numbers = np.cumsum(roots == np.arange(graph.n_regions), dtype=np.int32) - np.int32(1)
    return numbers.take(roots)


def _strongest(edges: Edges, n_regions: int) -> NDArray[np.float32]:
    """Return the largest weight at each region, -1 where it has no edge."""
    strongest = np.full(n_regions, -1, np.float32)
    for ends in edges.ends:
        np.maximum.at(strongest, ends, edges.weights)
    return strongest


def give_away_fragments(
    clusters: NDArray[np.int64], core_pixels: NDArray[np.int64], attractive: Edges, min_size: int
) -> NDArray[np.uint32]:
    """Return the object of each region, small clusters given away and objects numbered 1….

    A cluster of fewer than `min_size` core pixels joins the neighbouring large cluster with the strongest
    attractive edge to it; without such a neighbour it becomes background.

    Parameters
    ----------
    clusters
        Cluster of each region, (n_regions,); region 0 is the background and alone in its cluster.
    core_pixels
        Pixels of each region that count.
    attractive
        Edges between the regions.
    """
    is_large = np.bincount(clusters, core_pixels) >= min_size
    is_large[clusters[0]] = False
    owners = np.arange(is_large.size)
    ends = clusters[attractive.ends.T]
    ends, weights = np.concatenate([ends, ends[:, ::-1]]), np.tile(attractive.weights, 2)
    to_give = ~is_large[ends[:, 0]] & is_large[ends[:, 1]]
    ends, weights = ends[to_give], weights[to_give]
    order = np.argsort(weights, kind="stable")
    owners[ends[order, 0]] = ends[order, 1]
    numbers = np.where(is_large, np.cumsum(is_large), 0).astype(np.uint32)
    return numbers[owners[clusters]]
