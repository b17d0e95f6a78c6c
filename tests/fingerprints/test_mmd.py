from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from exact_mmd import exact_mmd2
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.mmd import SCALES, median_bandwidth


def brute_force_mmd2(x, y, bandwidth):
    def kernel(a, b):
        return np.mean([np.exp(-((a - b) ** 2).sum() / (s * bandwidth)) for s in SCALES])

    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i, j in product(range(n), range(n)) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j]) for i, j in product(range(m), range(m)) if i != j) / (m * (m - 1))
    between = sum(kernel(a, b) for a, b in product(x, y)) / (n * m)
    return within_x + within_y - 2 * between


def test_the_u_statistic_equals_its_sums_written_as_loops():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 5)), rng.normal(0.5, size=(6, 5))
    assert exact_mmd2(x, y, 3.7) == pytest.approx(brute_force_mmd2(x, y, 3.7), rel=1e-12)


def test_the_bandwidth_is_the_median_over_all_pairs():
    x = np.random.default_rng(1).normal(size=(7, 3))
    pairs = [((x[i] - x[j]) ** 2).sum() for i in range(7) for j in range(i)]
    assert median_bandwidth(x) == pytest.approx(np.median(pairs))


samples = arrays(np.float64, st.tuples(st.integers(2, 8), st.just(3)), elements=st.floats(-5, 5))


@settings(max_examples=50, deadline=None)
@given(samples, samples, st.randoms(use_true_random=False))
def test_it_is_symmetric_and_blind_to_the_order_of_the_samples(x, y, random):
    value = exact_mmd2(x, y, 2.0)
    order = list(range(len(x)))
    random.shuffle(order)
    assert exact_mmd2(y, x, 2.0) == pytest.approx(value, abs=1e-12)
    assert exact_mmd2(x[order], y[::-1], 2.0) == pytest.approx(value, abs=1e-12)


def test_it_is_zero_on_average_between_samples_of_one_distribution():
    rng = np.random.default_rng(2)
    values = [exact_mmd2(rng.normal(size=(20, 4)), rng.normal(size=(10, 4)), 8.0) for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_identical_features_have_no_bandwidth():
    with pytest.raises(InputError, match="all the same"):
        median_bandwidth(np.ones((5, 3)))
    with pytest.raises(InputError, match="1 tiles"):
        median_bandwidth(np.ones((1, 3)))
