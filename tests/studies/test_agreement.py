from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from napari_graft.studies.ranking.agreement import agree, by_chance

NAMES = "abcdef"
NUMBERS = st.lists(st.integers(0, 4).map(float), min_size=6, max_size=6)


@given(NUMBERS, NUMBERS)
def test_rho_is_that_of_scipy(x: list[float], y: list[float]) -> None:
    found = agree(dict(zip(NAMES, x, strict=True)), dict(zip(NAMES, y, strict=True)))
    assert found is not None
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(found.rho)
    else:
        assert found.rho == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_the_right_order_has_no_regret_and_the_opposite_one_the_largest() -> None:
    truth = {"a": 0.8, "b": 0.6, "c": 0.4, "d": 0.2}
    right = agree(truth, truth)
    wrong = agree({name: -value for name, value in truth.items()}, truth)
    assert right is not None
    assert wrong is not None
    assert (right.rho, right.regret, right.is_hit) == (1, 0, 1)
    assert (wrong.rho, wrong.regret, wrong.is_hit) == (-1, pytest.approx(0.75), 0)


def test_of_a_negative_vi_regret_is_the_share_that_is_worse() -> None:
    found = agree({"a": 3.0, "b": 2.0, "c": 1.0}, {"a": -0.6, "b": -0.5, "c": -2.0})
    assert found is not None
    assert found.regret == pytest.approx(0.2)


@pytest.mark.parametrize("tied", [("a", "b"), ("a", "b", "c", "d", "e")])
def test_ties_count_as_the_mean_over_all_ways_to_break_them(tied: tuple[str, ...]) -> None:
    truth = {"a": 1.0, "b": 0.5, "c": 0.25, "d": 0.125, "e": 0.1}
    foretold = {name: 1.0 if name in tied else 0.0 for name in truth}
    found = agree(foretold, truth)
    orders = [
        sorted(truth, key=lambda name, p=p: (-foretold[name], p.index(name)))  # type: ignore[misc]  # lambda
        for p in permutations(truth)
    ]
    assert found is not None
    assert found.regret == pytest.approx(np.mean([1 - truth[order[0]] for order in orders]))
    assert found.is_hit == pytest.approx(np.mean(["a" in order[:3] for order in orders]))


def test_chance_is_the_mean_over_all_orders() -> None:
    truth = {"a": 1.0, "b": 0.5, "c": 0.25, "d": 0.0}
    found = by_chance(truth)
    assert found.regret == pytest.approx(1 - np.mean(list(truth.values())))
    assert found.is_hit == 0.75
    assert by_chance({"a": 1.0, "b": 0.5}).is_hit == 1


def test_two_sources_make_no_order() -> None:
    assert agree({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0, "c": 3.0}) is None
