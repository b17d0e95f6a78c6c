"""Turn the affinities of a network into objects, and cut those that are thin in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bioimage_cpp.graph import UndirectedGraph
from bioimage_cpp.graph.mutex_watershed import mutex_watershed_clustering
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_graft.core.errors import InputError
from napari_graft.segmentation.mutex_watershed import (
    Offset,
    RegionGraph,
    contract,
    find_supervoxels,
    give_away_fragments,
    strongest_edges,
)
from napari_graft.segmentation.settings import DecodeSettings

_DEPTH = 0.3
"""Pixels by which a neck must be thinner than the objects beside it; less is a rough outline."""
_GAIN = 0.015
"""By how much the parts must be more convex than the whole."""


def cut_necks(segments: NDArray[np.uint32], least_solidity: float, smallest: int) -> NDArray[np.uint32]:
    """Return objects of which those that are not convex are cut in two or more at their necks.

    The markers are the tops of the distance map that stand out by some depth (h-maxima), the cuts those of a
    watershed on it. A cut is made only where it leaves parts that are clearly more convex than the whole.

    Parameters
    ----------
    segments
        (y, x), 0 background, 1… objects, consecutive.
    least_solidity
        Objects whose area is a smaller share of that of their convex hull are looked at, 0 to 1.
    smallest
        Pixels that each part must have.

    Returns
    -------
    cut
        Shape of `segments`; new objects have the next numbers.
    """
    cut = segments.copy()
    n_objects = int(segments.max(initial=0))
    for number, place in enumerate(ndimage.find_objects(segments), start=1):
        if place is None:
            continue
        mask = segments[place] == number
        parts = _parts(mask, least_solidity, smallest)
        for part in range(2, int(parts.max(initial=0)) + 1):
            n_objects += 1
            cut[place][parts == part] = n_objects
    return cut


def solidity(mask: NDArray[np.bool]) -> float:
    """Return the area of an object as a share of that of its convex hull, holes filled; 1 is convex.

    Parameters
    ----------
    mask
        (y, x), of the object alone, with no empty row at its border.
    """
    filled = ndimage.binary_fill_holes(mask)
    outline = np.concatenate([_row_ends(filled), _row_ends(filled.T)[:, ::-1]])
    return float(filled.sum() / ConvexHull(outline).volume)


def _row_ends(mask: NDArray[np.bool]) -> NDArray[np.float64]:
    """Return the middles of the outer sides of the first and the last pixel of each row, (n, 2)."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    end = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    return np.concatenate([np.column_stack([rows + 0.5, x]) for x in (first, end)])


def _parts(mask: NDArray[np.bool], least_solidity: float, smallest: int) -> NDArray[np.int32]:
    """Return the parts of an object, 1…; a single one where it is not to be cut."""
    whole = mask.astype(np.int32)
    before = solidity(mask) if mask.sum() >= 2 * smallest else 1.0
    if before >= least_solidity:
        return whole
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(np.pad(mask, 1)), 1)[1:-1, 1:-1]
    tops = h_maxima(depth, _DEPTH) > 0
    markers, n_parts = ndimage.label(tops & mask, np.ones((3, 3)))
    if n_parts < 2:
        return whole
    parts: NDArray[np.int32] = watershed(-depth, markers, mask=mask).astype(np.int32)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:]
    if sizes.min() < smallest:
        return whole
    after = np.average([solidity(parts == i + 1) for i in range(n_parts)], weights=sizes)
    return parts if after > before + _GAIN else whole


REPULSION_CELL = 8
"""Length in pixels of the cells that speak with one voice for keeping objects apart.

Tiles whose starts are multiples of it have the same cells, and the same objects where they overlap."""


def decode(
    foreground: NDArray[np.float32],
    affinities: NDArray[np.float32],
    offsets: Sequence[Offset],
    settings: DecodeSettings,
) -> NDArray[np.uint32]:
    """Return the objects that a mutex watershed finds inside the foreground.

    The affinities of nearest neighbours attract, 1 minus those at the longer offsets repel; edges are taken
    from the strongest to the weakest, an attractive one joins two clusters unless a repulsive one taken
    before stands between them (Wolf et al. 2020, IEEE TPAMI 43:3724). It is solved not on pixels but on
    regions of pixels that are certainly joined, with the strongest edge between two regions, which is many
    times faster. In a plane, objects that are not convex may then be cut at their necks (`cut_necks`).

    Parameters
    ----------
    foreground
        Probability that a pixel belongs to an object, (*spatial), 2-D or 3-D.
    affinities
        Probability that a pixel p and p + offset belong to the same object, (K, *spatial).
    offsets
        K offsets in pixels; the first ndim are the nearest neighbours, one for each axis.
    settings
        Thresholds.

    Returns
    -------
    segments
        (*spatial), 0 background, 1… objects, consecutive.

    Raises
    ------
    InputError
        If shapes and offsets do not fit each other.
    """
    _check(foreground, affinities, offsets)
    n_axes = foreground.ndim
    nearest, distant = offsets[:n_axes], offsets[n_axes:]
    regions = find_supervoxels(foreground > settings.foreground_threshold, affinities[:n_axes], nearest)
    attractive = strongest_edges(regions, affinities[:n_axes], nearest)
    repulsion = (1 - affinity for affinity in affinities[n_axes:])
    repulsive = strongest_edges(regions, repulsion, distant, REPULSION_CELL)
    core_pixels = count_pixels(regions, foreground > settings.core_threshold)
    graph = RegionGraph(core_pixels, attractive, repulsive)
    graph, contracted = contract(graph, settings.attraction_bias)
    clusters = _cluster(graph, settings.attraction_bias)
    objects = give_away_fragments(clusters, graph.core_pixels, graph.attractive, settings.min_size)
    segments: NDArray[np.uint32] = objects[contracted][regions]
    if settings.least_solidity == 0 or n_axes == 3:
        return segments
    return cut_necks(segments, settings.least_solidity, max(1, settings.min_size))


def count_pixels(regions: NDArray[np.int32], where: NDArray[np.bool]) -> NDArray[np.int64]:
    """Count the pixels of each region, 0 for the background, where `where` is true."""
    n_regions = int(regions.max(initial=0)) + 1
    return np.bincount(regions[where], minlength=n_regions)


def _cluster(graph: RegionGraph, bias: float) -> NDArray[np.int64]:
    """Return the cluster of each region; the background, region 0, stands alone."""
    clusters = mutex_watershed_clustering(
        UndirectedGraph.from_unique_edges(graph.n_regions, graph.attractive.ends.T),
        graph.attractive.weights + np.float32(bias),
        graph.repulsive.ends.T,
        graph.repulsive.weights,
    )
    return np.asarray(clusters, np.int64)


def _check(
    foreground: NDArray[np.float32], affinities: NDArray[np.float32], offsets: Sequence[Offset]
) -> None:
    n_axes = foreground.ndim
    if n_axes not in (2, 3):
        raise InputError(f"foreground of shape {foreground.shape} has {n_axes} axes, not 2 or 3")
    if affinities.shape != (len(offsets), *foreground.shape):
        raise InputError(
            f"affinities of shape {affinities.shape} do not fit a foreground of shape {foreground.shape} and "
            f"{len(offsets)} offsets: they must be {(len(offsets), *foreground.shape)}"
        )
    if len(offsets) <= n_axes:
        raise InputError(f"offsets {offsets}: at least one longer offset is needed to keep objects apart")
    steps = [tuple(map(abs, offset)) for offset in offsets[:n_axes]]
    if sorted(steps) != sorted(map(tuple, np.eye(n_axes, dtype=int).tolist())):
        raise InputError(
            f"offsets {offsets}: the first {n_axes} must be the nearest neighbours, one for each axis"
        )
