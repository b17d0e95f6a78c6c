"""Edges and contractions against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from bioimage_cpp.graph import UndirectedGraph
from bioimage_cpp.graph.mutex_watershed import mutex_watershed_clustering
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_graft.metrics import evaluate
from napari_graft.segmentation.mutex_watershed import (
    Edges,
    RegionGraph,
    cell_centres,
    cell_means,
    contract,
    find_supervoxels,
    strongest_edges,
)

NEAREST = ((-1, 0), (0, -1))
DISTANT = ((-3, 0), (0, -2), (-2, 3))


def strongest_by_loop(
    regions: np.ndarray, weights: np.ndarray, offsets: tuple
) -> dict[tuple[int, int], float]:
    edges: dict[tuple[int, int], float] = {}
    for weight, offset in zip(weights, offsets, strict=True):
        for pixel in np.ndindex(regions.shape):
            other = tuple(p + o for p, o in zip(pixel, offset, strict=True))
            if all(0 <= q < n for q, n in zip(other, regions.shape, strict=True)):
                pair = tuple(sorted((int(regions[pixel]), int(regions[other]))))
                if pair[0] > 0 and pair[0] != pair[1]:
                    edges[pair] = max(edges.get(pair, 0.0), float(weight[pixel]))
    return edges


@given(arrays(np.int32, (7, 9), elements=st.integers(0, 5)), st.integers(0, 2**32 - 1))
def test_edges_between_regions_equal_a_loop_over_all_pairs_of_pixels(regions: np.ndarray, seed: int) -> None:
    weights = np.random.default_rng(seed).random((3, 7, 9), np.float32)
    expected = strongest_by_loop(regions, weights, DISTANT)
    edges = strongest_edges(regions, weights, DISTANT)
    assert list(map(tuple, edges.ends.T.tolist())) == sorted(expected)
    assert edges.weights.tolist() == [expected[pair] for pair in sorted(expected)]


@pytest.mark.parametrize("shape", [(12, 18), (13, 17), (3, 4), (2, 9, 11), (0, 5)])
def test_the_mean_of_a_cell_equals_a_loop_over_cells(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).random(shape, np.float32)
    means = cell_means(values, 6)
    rows, columns = range(0, shape[-2], 6), range(0, shape[-1], 6)
    expected = [[values[..., y : y + 6, x : x + 6].mean(axis=(-2, -1)) for x in columns] for y in rows]
    assert means.shape == (*shape[:-2], len(rows), len(columns))
    if values.size:
        np.testing.assert_allclose(means, np.moveaxis(np.array(expected), (0, 1), (-2, -1)), rtol=1e-5)
    assert values[cell_centres(shape, 6)].shape == means.shape


def test_weights_a_little_outside_0_to_1_are_taken_for_the_nearest() -> None:
    regions = np.array([[1, 2, 3]], np.int32)
    weights = np.array([[[0, 1.000001, -0.000001]]], np.float32)
    edges = strongest_edges(regions, weights, [(0, -1)])
    np.testing.assert_array_equal(edges.ends.T, [[1, 2], [2, 3]])
    np.testing.assert_array_equal(edges.weights, [1, 0])


def test_each_pixel_lies_in_the_region_of_its_strongest_neighbour() -> None:
    rng = np.random.default_rng(1)
    mask, affinities = rng.random((20, 30)) > 0.2, rng.random((2, 20, 30), np.float32)
    regions = find_supervoxels(mask, affinities, NEAREST)
    assert set(np.unique(regions)) == set(range(regions.max() + 1))
    np.testing.assert_array_equal(regions > 0, mask)
    for y, x in np.argwhere(mask):
        neighbours = [
            ((y - 1, x), affinities[0, y, x]),
            ((y, x - 1), affinities[1, y, x]),
            ((y + 1, x), affinities[0, y + 1, x] if y < 19 else -1),
            ((y, x + 1), affinities[1, y, x + 1] if x < 29 else -1),
        ]
        inside = [(w, p) for p, w in neighbours if min(p) >= 0 and w >= 0 and mask[p]]
        if inside:
            assert regions[max(inside)[1]] == regions[y, x]


@given(
    arrays(np.bool, (6, 7), elements=st.booleans()),
    arrays(np.float32, (2, 6, 7), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
)
def test_regions_equal_those_of_a_walk_from_each_pixel(mask: np.ndarray, affinities: np.ndarray) -> None:
    """Many affinities are equal: of those the first counts, in the order up, down, left, right."""

    def next_of(y: int, x: int) -> tuple[int, int]:
        neighbours = [
            (y - 1, x, 0, y, x),
            (y + 1, x, 0, y + 1, x),
            (y, x - 1, 1, y, x),
            (y, x + 1, 1, y, x + 1),
        ]
        best, towards = 0.0, (y, x)
        for other_y, other_x, axis, at_y, at_x in neighbours:
            if 0 <= other_y < 6 and 0 <= other_x < 7 and mask[other_y, other_x]:
                weight = affinities[axis, at_y, at_x]
                if weight > best:
                    best, towards = weight, (other_y, other_x)
        return towards

    def end_of(pixel: tuple[int, int]) -> tuple[int, int]:
        while next_of(*next_of(*pixel)) != pixel:
            pixel = next_of(*pixel)
        return min(pixel, next_of(*pixel))

    ends = {tuple(pixel): end_of(tuple(pixel)) for pixel in np.argwhere(mask).tolist()}
    numbers = {end: number for number, end in enumerate(sorted(set(ends.values())), 1)}
    expected = np.zeros(mask.shape, int)
    for pixel, end in ends.items():
        expected[pixel] = numbers[end]
    np.testing.assert_array_equal(find_supervoxels(mask, affinities, NEAREST), expected)


@pytest.mark.parametrize("shape", [(40, 50), (5, 12, 14)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_equal_affinities_end_in_regions_without_circles(shape: tuple[int, ...], value: float) -> None:
    nearest = [tuple(-int(a == b) for a in range(len(shape))) for b in range(len(shape))]
    affinities = np.full((len(shape), *shape), value, np.float32)
    regions = find_supervoxels(np.ones(shape, bool), affinities, nearest)
    assert (regions.max() == regions.size) == (value == 0)
    assert regions.min() == 1


@given(st.integers(0, 2**32 - 1), st.floats(-0.3, 0.3))
def test_contraction_does_not_change_what_the_mutex_watershed_finds(seed: int, bias: float) -> None:
    rng = np.random.default_rng(seed)
    attractive, repulsive = (random_edges(30, n, rng) for n in (90, 60))
    graph = RegionGraph(np.ones(30, np.int64), attractive, repulsive)
    smaller, regions = contract(graph, bias)
    assert smaller.core_pixels.sum() == 30
    assert regions[0] == 0
    expected, found = cluster(graph, bias), cluster(smaller, bias)[regions]
    assert evaluate(found + 1, expected + 1).vi == pytest.approx(0, abs=1e-9)


def random_edges(n_regions: int, n_edges: int, rng: np.random.Generator) -> Edges:
    """Draw edges with different weights between regions 1…, the background has none."""
    first, second = rng.integers(1, n_regions, (2, n_edges))
    return Edges.strongest(
        first, second, rng.permutation(n_edges).astype(np.float32) / n_edges + rng.random() / n_edges
    )


def cluster(graph: RegionGraph, bias: float) -> np.ndarray:
    attractive = UndirectedGraph.from_unique_edges(graph.n_regions, graph.attractive.ends.T)
    weights = graph.attractive.weights + np.float32(bias)
    return mutex_watershed_clustering(
        attractive, weights, graph.repulsive.ends.T, graph.repulsive.weights
    ).astype(int)
