"""Join regions of which a mutex watershed is sure beforehand, so that it has little left to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bioimage_cpp.utils import UnionFind
from numpy.typing import NDArray

from napari_graft.segmentation.edges import Edges

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
