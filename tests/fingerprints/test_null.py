from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.fingerprints.distance import _hold_out, draw_null, null_at
from napari_graft.fingerprints.fingerprint import make_fingerprint
from napari_graft.fingerprints.mmd import draw_random_features, mmd2_of_means


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.integers(0, 100), st.data())
def test_holding_out_always_finds_enough_groups_and_leaves_a_quarter(counts, seed, data):
    counts = np.array(counts)
    n = int(counts.sum())
    if 2 * counts.max() > n or n < 4:
        return
    m = data.draw(st.integers(2, n // 2))
    held_out = counts[_hold_out(counts, m, np.random.default_rng(seed))].sum()
    assert m <= held_out <= 0.75 * n


def test_the_null_of_independent_tiles_has_the_spread_of_independent_samples():
    rng = np.random.default_rng(0)
    drawn = draw_random_features(6, 12.0, seed=1)
    source = drawn.embed(rng.normal(size=(64, 6)))
    null = draw_null(source, np.arange(64), 16, 200, rng)
    x = drawn.embed(rng.normal(size=(200 * 64, 6))).reshape(200, 64, -1).mean(1)
    y = drawn.embed(rng.normal(size=(200 * 16, 6))).reshape(200, 16, -1).mean(1)
    independent = mmd2_of_means(x, 64, y, 16)
    assert null.std() == pytest.approx(independent.std(), rel=0.2)
    assert abs(null.mean()) < 0.3 * null.std()


def test_images_that_differ_widen_the_null():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(8), 12)
    features = (rng.normal(size=(96, 5)) + rng.normal(size=(8, 5))[groups]).astype(np.float32)
    grouped = make_fingerprint(features, groups.tolist(), "e", np.random.default_rng(0))
    mixed = make_fingerprint(features, None, "e", np.random.default_rng(0))
    assert (grouped.null_draws.mean(1) > mixed.null_draws.mean(1) + mixed.null_draws.std(1)).all()


@pytest.mark.parametrize("groups", [["a"] * 20 + list("bcdefghijk"), [0] * 15 + [1] * 15])
def test_one_dominant_image_or_too_few_images_fall_back_to_free_tiles(groups):
    features = np.random.default_rng(2).normal(size=(30, 4)).astype(np.float32)
    given = make_fingerprint(features, groups, "e", np.random.default_rng(0))
    free = make_fingerprint(features, None, "e", np.random.default_rng(0))
    np.testing.assert_array_equal(given.null_draws, free.null_draws)


def test_four_images_are_enough_for_a_null_with_some_spread():
    features = np.random.default_rng(2).normal(size=(32, 4)).astype(np.float32)
    given = make_fingerprint(features, np.repeat(range(4), 8).tolist(), "e", np.random.default_rng(0))
    assert (given.null_draws.std(1) > 1e-3).all()


def test_between_stored_sizes_the_null_narrows_steadily():
    features = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
    fingerprint = make_fingerprint(features, None, "e", np.random.default_rng(0))
    spreads = [null_at(fingerprint, m).std() for m in range(2, 65)]
    assert (np.diff(spreads) < 0).all()
    for row, m in enumerate(fingerprint.null_sizes):
        np.testing.assert_allclose(null_at(fingerprint, m), fingerprint.null_draws[row], rtol=1e-6)
    np.testing.assert_array_equal(null_at(fingerprint, 1000), null_at(fingerprint, 64))
    assert all((np.diff(null_at(fingerprint, m)) >= 0).all() for m in (2, 5, 50))
