from __future__ import annotations

import numpy as np
import pytest

from napari_graft.studies.bootstrap import hierarchical_bootstrap, holm
from napari_graft.studies.selection.gains import (
    CONTROL,
    FALLBACK,
    Points,
    default_strategy,
    judge_strategies,
)


def points(gains: dict[str, float], n_targets: int = 8, n_seeds: int = 6) -> Points:
    rng = np.random.default_rng(0)
    found: Points = {}
    for name, gain in {CONTROL: 0.0, **gains}.items():
        found[name] = {
            f"target {t}": {
                seed: {n: float(10 * t + (1 + t) * (rng.normal() + gain)) for n in (1, 4)}
                for seed in range(n_seeds)
            }
            for t in range(n_targets)
        }
    return found


def test_a_gain_is_in_units_of_the_spread_whatever_the_scale_of_a_target() -> None:
    good, none = judge_strategies(points({"good": 2.0, "none": 0.0}), np.random.default_rng(0))
    assert (good.strategy, good.finding, none.finding) == ("good", "better", "no finding")
    assert good.gain.mean == pytest.approx(2, abs=0.5)
    assert good.gain.low < good.gain.mean < good.gain.high
    assert none.gain.low < 0 < none.gain.high
    assert set(good.by_budget) == {1, 4}
    assert good.as_row()["finding"] == "better"


def test_the_default_is_what_wins_and_else_chance_with_objects_and_diversity() -> None:
    rng = np.random.default_rng(0)
    assert default_strategy(judge_strategies(points({"good": 2.0, "fair": 1.0}), rng)) == "good"
    assert default_strategy(judge_strategies(points({"bad": -2.0, "none": 0.0}), rng)) == FALLBACK


def test_few_targets_prove_nothing_however_large_the_gain() -> None:
    (verdict,) = judge_strategies(points({"good": 9.0}, n_targets=4), np.random.default_rng(0))
    assert verdict.gain.low > 0
    assert verdict.finding == "no finding"


def test_a_target_without_spread_is_left_out() -> None:
    found = points({"good": 2.0}, n_targets=6)
    for strategy in found.values():
        strategy["target 0"] = {seed: {1: 0.5, 4: 0.5} for seed in range(6)}
    (verdict,) = judge_strategies(found, np.random.default_rng(0))
    assert verdict.n_targets == 5


def test_seeds_of_one_target_are_no_independent_evidence() -> None:
    rng = np.random.default_rng(1)
    of_target = rng.normal(0, 1, 6)
    few = [[value] * 2 for value in of_target]
    many = [[value] * 50 for value in of_target]
    a, b = (hierarchical_bootstrap(one, np.random.default_rng(0)) for one in (few, many))
    assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.1)
    assert not a.leaves_zero_out


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        values = rng.normal(0.3, 1, 15)[:, None] + rng.normal(0, 0.5, (15, 4))
        found = hierarchical_bootstrap(values.tolist(), rng, n=400)
        hits += found.low <= 0.3 <= found.high
    assert 86 <= hits <= 100


def test_holm_adjusts_and_keeps_the_order() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == pytest.approx({"a": 1.0, "b": 1.0})
