from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from napari_graft.fingerprints.source_map import label_effect

ALL = np.ones((6, 6), bool)


def distances_of(places: list[float]) -> np.ndarray:
    at = np.array(places)
    return np.abs(at[:, None] - at)


def test_p_value_is_the_share_of_all_ways_to_deal_out_the_labels() -> None:
    apart, labels = distances_of([0, 1, 2, 10, 11, 12.5]), list("aabbab")

    def difference(dealt: list[str]) -> float:
        pairs = [(i, j) for i in range(6) for j in range(i)]
        same = [apart[i, j] for i, j in pairs if dealt[i] == dealt[j]]
        other = [apart[i, j] for i, j in pairs if dealt[i] != dealt[j]]
        return float(np.mean(other) - np.mean(same))

    found = difference(labels)
    exact = np.mean([difference(list(dealt)) >= found - 1e-12 for dealt in permutations(labels)])
    effect = label_effect(apart, labels, ALL, np.random.default_rng(0))

    assert effect is not None
    assert effect.mean_different - effect.mean_same == pytest.approx(found)
    assert effect.p_value == pytest.approx(exact, abs=0.05)


def test_labels_that_distances_follow_are_told_from_those_they_do_not() -> None:
    apart = distances_of([*np.arange(8) / 10, *(20 + np.arange(8) / 10)])
    everything = np.ones((16, 16), bool)
    rng = np.random.default_rng(0)
    follows = label_effect(apart, ["a"] * 8 + ["b"] * 8, everything, rng)
    does_not = label_effect(apart, ["a", "b"] * 8, everything, rng)

    assert follows is not None and does_not is not None
    assert follows.p_value < 0.01
    assert follows.mean_same < 1
    assert follows.mean_different > 19
    assert does_not.p_value > 0.2


def test_pairs_that_do_not_count_and_unknown_labels_take_no_part() -> None:
    apart, labels = distances_of([0, 1, 2, 10, 11, 12]), ["a", "a", "a", "b", "b", None]
    counts = ALL.copy()
    counts[0, 1] = counts[1, 0] = False
    effect = label_effect(apart, labels, counts, np.random.default_rng(0))

    assert effect is not None
    assert (effect.n_same, effect.n_different) == (3, 6)
    assert effect.mean_same == pytest.approx(np.mean([2, 1, 1]))


def test_within_strata_only_pairs_of_one_stratum_count() -> None:
    apart, labels = distances_of([0, 1, 2, 10, 11, 12]), list("aabbab")
    effect = label_effect(apart, labels, ALL, np.random.default_rng(0), strata=list("xxxyyy"))

    assert effect is not None
    assert (effect.n_same, effect.n_different) == (2, 4)
    assert effect.mean_different < 3


def test_nothing_is_said_where_all_labels_are_the_same_or_all_differ() -> None:
    rng = np.random.default_rng(0)
    assert label_effect(distances_of([0, 1, 2]), ["a"] * 3, np.ones((3, 3), bool), rng) is None
    assert label_effect(distances_of([0, 1, 2]), list("abc"), np.ones((3, 3), bool), rng) is None
