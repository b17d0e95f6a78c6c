from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from napari_graft.samples.shapes import _spline_basis, grain, smooth_field


def test_spline_basis_is_the_uniform_cubic_b_spline_of_scipy() -> None:
    basis = _spline_basis(23, scale=4.0, phase=0.25)
    positions = np.arange(23) / 4.0 + 0.25
    n_knots = basis.shape[1]
    expected = [
        BSpline.basis_element(np.arange(k - 3, k + 2), extrapolate=False)(positions) for k in range(n_knots)
    ]
    np.testing.assert_allclose(basis, np.nan_to_num(np.stack(expected, axis=1)), atol=1e-6)


@given(n=st.integers(1, 60), scale=st.floats(1.0, 80.0), phase=st.floats(0.0, 0.999))
def test_spline_weights_sum_to_one(n: int, scale: float, phase: float) -> None:
    np.testing.assert_allclose(_spline_basis(n, scale, phase).sum(axis=1), 1.0, atol=1e-5)


def test_smooth_field_has_unit_variance_and_neighbours_alike() -> None:
    field = smooth_field((400, 400), (5.0, 5.0), np.random.default_rng(0))
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0.0, abs=0.05)
    assert field.std() == pytest.approx(1.0, abs=0.05)
    assert np.abs(np.diff(field, axis=0)).mean() < 0.25


@pytest.mark.parametrize("sigma", [0.0, 0.8, 2.5])
def test_grain_has_unit_variance_at_every_size(sigma: float) -> None:
    assert grain((2, 200, 200), sigma, np.random.default_rng(1)).std() == pytest.approx(1.0, abs=0.02)
