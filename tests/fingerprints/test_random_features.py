from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import kstest

from exact_mmd import exact_mmd2
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.mmd import (
    N_NUMBERS,
    _stable_normals,
    check_value,
    draw_random_features,
    median_bandwidth,
    mmd2_of_means,
    multiscale_kernel,
    restore_random_features,
)


@pytest.mark.parametrize("shift", [0.1, 0.3, 1.0])
def test_mean_embeddings_give_the_exact_mmd_within_two_percent(shift):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 64)), rng.normal(shift, size=(1000, 64))
    bandwidth = median_bandwidth(x)
    drawn = draw_random_features(64, bandwidth, seed=7)
    approximate = mmd2_of_means(drawn.mean_embedding(x), len(x), drawn.mean_embedding(y), len(y))
    assert approximate == pytest.approx(exact_mmd2(x, y, bandwidth), rel=0.02)


@pytest.mark.parametrize("n", [1, 512, 1300])
def test_the_mean_embedding_is_the_mean_of_the_embeddings(n):
    x = np.random.default_rng(n).normal(size=(n, 20))
    drawn = draw_random_features(20, 9.0, seed=5)
    np.testing.assert_allclose(drawn.mean_embedding(x), drawn.embed(x).mean(0), atol=1e-7)


@pytest.mark.parametrize("n_features", [1, 7, 64, 1500])
def test_neighbouring_directions_are_orthogonal_as_many_as_there_are_features(n_features):
    frequencies = draw_random_features(n_features, 3.0, seed=2).frequencies
    directions = frequencies / np.linalg.norm(frequencies, axis=1, keepdims=True)
    assert directions.shape == (N_NUMBERS // 2, n_features)
    for block in np.split(directions, range(n_features, len(directions), n_features)):
        np.testing.assert_allclose(block @ block.T, np.eye(len(block)), atol=1e-12)


def test_each_frequency_alone_is_distributed_as_if_drawn_independently():
    drawn = [draw_random_features(16, 2.0, seed).frequencies for seed in range(20)]
    # The first frequencies are those of the smallest scale: N(0, 2 / (1/4 · 2)).
    first = np.stack([frequencies[:150] for frequencies in drawn]) / 2
    assert kstest(first[:, ::16, 3].ravel(), "norm").pvalue > 0.01
    assert kstest((first[:, ::16] ** 2).sum(-1).ravel(), "chi2", args=(16,)).pvalue > 0.01


def test_the_feature_product_is_the_kernel_on_average_over_seeds():
    x = np.random.default_rng(1).normal(size=(6, 10))
    kernel = multiscale_kernel(cdist(x, x, "sqeuclidean"), 9.0)
    products = []
    for seed in range(40):
        embedded = draw_random_features(10, 9.0, seed).embed(x)
        products.append(embedded @ embedded.T)
    assert np.abs(np.mean(products, axis=0) - kernel).max() < 0.02


def test_the_mean_formula_equals_sums_over_pairs_of_the_same_features():
    rng = np.random.default_rng(2)
    drawn = draw_random_features(3, 2.0, seed=0)
    x, y = drawn.embed(rng.normal(size=(7, 3))), drawn.embed(rng.normal(size=(4, 3)))
    within_x, within_y = x @ x.T, y @ y.T
    expected = (
        within_x[~np.eye(7, dtype=bool)].mean()
        + within_y[~np.eye(4, dtype=bool)].mean()
        - 2 * (x @ y.T).mean()
    )
    assert mmd2_of_means(x.mean(0), 7, y.mean(0), 4) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.floats(0.01, 1e4), st.integers(0, 2**31 - 1))
def test_every_embedding_has_unit_length_and_order_does_not_matter(n_features, bandwidth, seed):
    x = np.random.default_rng(seed).normal(scale=np.sqrt(bandwidth), size=(5, n_features))
    embedded = draw_random_features(n_features, bandwidth, seed).embed(x)
    assert embedded.shape == (5, N_NUMBERS)
    np.testing.assert_allclose((embedded**2).sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(embedded.mean(0), embedded[::-1].mean(0), atol=1e-15)


def test_the_random_numbers_are_normal_and_never_change():
    normals = _stable_normals(20000, seed=3)
    assert kstest(normals, "norm").pvalue > 0.01
    # Written down once: stored fingerprints depend on these numbers for ever.
    expected = [-0.7476487609767978, -0.47678296207418747, 0.8322478050767504, 0.4572509811363875]
    np.testing.assert_allclose(_stable_normals(4, seed=12345), expected, rtol=1e-12)


def test_restoring_gives_the_same_features():
    drawn = draw_random_features(12, 5.0, seed=8)
    restored = restore_random_features(12, 5.0, 8, check_value(drawn))
    np.testing.assert_array_equal(restored.frequencies, drawn.frequencies)


def test_other_random_numbers_are_noticed_and_refused():
    check = check_value(draw_random_features(12, 5.0, seed=8))
    with pytest.raises(InputError, match="seed 9"):
        restore_random_features(12, 5.0, 9, check)


@pytest.mark.parametrize("change", ["frequency", "order", "amplitude"])
def test_the_check_value_depends_on_everything(change):
    drawn = draw_random_features(12, 5.0, seed=8)
    before = check_value(drawn)
    if change == "frequency":
        drawn.frequencies[500, 3] *= -1
    elif change == "order":
        drawn.frequencies[[3, 8]] = drawn.frequencies[[8, 3]]
    else:
        drawn.amplitudes[7] *= 1.01
    assert abs(check_value(drawn) - before) > 1e-5
