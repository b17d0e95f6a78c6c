"""The hierarchy of merges against one that looks at all pairs each time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.proofreading.affinity_map import AffinityMap, Borders
from napari_graft.proofreading.cut import Hierarchy
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import split


@settings(max_examples=60)
@given(st.integers(2, 9), st.integers(0, 10**6), st.floats(0.2, 1))
def test_the_two_sets_with_the_largest_mean_affinity_are_merged_next(
    n: int, seed: int, density: float
) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.array([(a, b) for a in range(1, n) for b in range(a + 1, n + 1) if rng.random() < density])
    pairs = pairs.reshape(-1, 2).astype(np.int64)
    affinity, counts = rng.random(len(pairs)), rng.integers(1, 9, len(pairs))
    sizes = np.append(0, rng.integers(1, 50, n))
    borders = Borders(pairs, affinity, counts, np.zeros((len(pairs), 2), np.int64))
    hierarchy = Hierarchy(borders, sizes)
    sets = [{one} for one in range(1, n + 1)]

    for cut in hierarchy.cuts():
        means = {}
        for i, first in enumerate(sets):
            for j, second in enumerate(sets[:i]):
                across = [k for k, (a, b) in enumerate(pairs) if {a, b} & first and {a, b} & second]
                if across:
                    means[i, j] = np.average(affinity[across], weights=counts[across])
        assert np.isclose(cut.affinity, max(means.values()))
        sides = [set(hierarchy.leaves(node)) for node in cut.sides]
        assert all(side in sets for side in sides)
        assert hierarchy.some_leaf(cut.sides[0]) in sides[0] and hierarchy.some_leaf(cut.sides[1]) in sides[1]
        assert list(cut.sizes) == [sum(sizes[one] for one in side) for side in sides]
        sets = [one for one in sets if one not in sides] + [sides[0] | sides[1]]
    holder = {one: number for number, held in enumerate(sets) for one in held}
    assert all(holder[a] == holder[b] for a, b in pairs.tolist())


def test_parts_grow_along_the_strongest_bonds_and_never_into_each_other() -> None:
    # A chain 1 - 2 - 3 - 4, weakest between 2 and 3, and 5 that nothing is bound to.
    pairs = np.array([[1, 2], [2, 3], [3, 4]])
    borders = Borders(pairs, np.array([0.9, 0.4, 0.8]), np.full(3, 10), np.zeros((3, 2), np.int64))
    sizes = np.full(6, 100)
    assert Hierarchy(borders, sizes).parts({1: 1, 4: 2}).tolist() == [0, 1, 1, 2, 2, 0]
    assert Hierarchy(borders, sizes).parts({1: 1, 2: 2}).tolist() == [0, 1, 2, 2, 2, 0]
    assert Hierarchy(borders, sizes).parts({1: 3, 4: 3}).tolist() == [0, 3, 3, 3, 3, 0]


def test_a_gap_in_a_border_does_not_let_a_part_leak_through() -> None:
    """Of two halves, whose border has a gap, the right one is three basins: a watershed leaks into them."""
    values = np.ones((2, 40, 60), np.float32)
    values[1, :, 30] = 0.05  # the border between the halves
    values[1, 18:22, 30] = 0.95  # its gap
    values[0, 10:12, 31:], values[0, 28:30, 31:] = 0.6, 0.6  # weak lines inside of the right half
    affinities = AffinityMap(values, ((-1, 0), (0, -1)))
    objects = ObjectMap(np.ones((40, 60), np.uint32))
    edit = split(objects, 1, [[(20, 5)], [(5, 50)]], affinities)
    objects.apply(edit)
    assert (objects.labels[:, :26] == 1).all()
    assert (objects.labels[:, 34:] == 2).mean() > 0.95


def test_a_basin_that_is_bound_to_both_parts_alike_goes_to_the_one_with_the_longer_border() -> None:
    """The middle strip is bound to the left part by a hair more strongly, and to the right one along more."""
    values = np.ones((2, 40, 48), np.float32)
    values[1, :8, 16], values[1, 8:, 16] = 0.72, 0.0
    values[1, :, 32] = 0.7
    mask = np.ones((40, 48), np.uint32)
    mask[8:, 16] = 0  # the left part is met along eight pixels alone
    affinities = AffinityMap(values, ((-1, 0), (0, -1)))
    objects = ObjectMap(mask)
    objects.apply(split(objects, 1, [[(20, 4)], [(20, 44)]], affinities))
    assert (objects.labels[:, :15] == 1).all()
    assert (objects.labels[:, 18:] == 2).mean() > 0.95
