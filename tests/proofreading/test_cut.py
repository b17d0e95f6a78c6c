"""The hierarchy of merges against one that looks at all pairs each time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.proofreading.affinity_map import Borders
from napari_graft.proofreading.cut import Hierarchy


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
