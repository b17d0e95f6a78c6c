from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from napari_graft.acquisition.candidates import Candidate
from napari_graft.acquisition.random_tiles import FLOOR, ForegroundRandom, RandomTiles
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

N_RUNS = 1000


def row(values, field="foreground", contrast=1.0):
    return [
        Candidate(Tile((0, 10 * i), (10, 10)), **({"contrast": contrast} | {field: value}))
        for i, value in enumerate(values)
    ]


def first_column(strategy, candidates, n_runs=N_RUNS, n=1, which=0):
    rng = np.random.default_rng(0)
    picks = [strategy.select(candidates, n, rng)[which].tile.start[1] // 10 for _ in range(n_runs)]
    return np.bincount(picks, minlength=len(candidates))


def test_random_gives_every_tile_the_same_chance():
    assert chisquare(first_column(RandomTiles(), row([0.0] * 5))).pvalue > 0.01


@pytest.mark.parametrize("field", ["foreground", "contrast"])
def test_the_chance_is_in_proportion_to_foreground_or_else_contrast(field):
    values = np.array([0.1, 0.2, 0.3, 0.4])
    chances = values + FLOOR * values.mean()
    expected = N_RUNS * chances / chances.sum()
    assert chisquare(first_column(ForegroundRandom(), row(values, field)), expected).pvalue > 0.01


def test_the_second_is_drawn_from_the_remaining_ones_in_proportion():
    values = np.array([0.1, 0.2, 0.7])
    chance = (values + FLOOR * values.mean()) / (values + FLOOR * values.mean()).sum()
    expected = [
        sum(chance[first] * chance[i] / (1 - chance[first]) for first in range(3) if first != i)
        for i in range(3)
    ]
    counts = first_column(ForegroundRandom(), row(values), n=2, which=1)
    assert chisquare(counts, N_RUNS * np.array(expected)).pvalue > 0.01


def test_tiles_without_any_foreground_still_have_a_small_chance():
    counts = first_column(ForegroundRandom(), row([0.0, 1.0]))
    assert 0 < counts[0] < 75
    assert chisquare(first_column(ForegroundRandom(), row([0.0] * 4))).pvalue > 0.01


def test_the_reason_says_what_was_looked_at():
    rng = np.random.default_rng(0)
    assert "the model sees objects" in ForegroundRandom().select(row([0.5]), 1, rng)[0].reason
    assert "the image shows structure" in ForegroundRandom().select(row([0.5], "contrast"), 1, rng)[0].reason


def test_foreground_known_for_some_tiles_only_is_refused():
    with pytest.raises(InputError, match="1 of 2 tiles have no foreground"):
        ForegroundRandom().select(row([0.5, None]), 1, np.random.default_rng(0))
