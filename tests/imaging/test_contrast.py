"""Local contrast: what it takes out of an image, how far it looks, and that tiles meet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_graft.imaging.intensity import contrast_reach, flatten, local_contrast, local_statistics


def _texture(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(seed).normal(0, 1, shape), 2)
    return (noise / noise.std() * 0.3).astype(np.float32)


def test_mean_and_spread_are_those_of_a_gaussian_window() -> None:
    image = _texture((300, 320))
    mean, spread = local_statistics(image, 12.0)
    expected = gaussian_filter(image, 12.0)
    variance = gaussian_filter(image**2, 12.0) - expected**2
    inside = (slice(60, -60),) * 2
    assert np.abs(mean - expected)[inside].max() < 0.03
    assert np.abs(spread - np.sqrt(variance + 0.01))[inside].max() < 0.03


@pytest.mark.parametrize("gain", [0.4, 1.0])
def test_uneven_light_leaves_hardly_a_trace(gain: float) -> None:
    image = _texture((400, 400))
    light = np.linspace(1, gain, 400, dtype=np.float32)[:, None]
    shade = np.linspace(0, 0.5, 400, dtype=np.float32)[None]
    even, uneven = local_contrast(image, 24.0), local_contrast(image * light + shade, 24.0)
    assert np.abs(even - uneven).mean() < 0.12


def test_noise_of_an_empty_field_stays_small() -> None:
    noise = np.random.default_rng(0).normal(-1, 0.01, (200, 200)).astype(np.float32)
    assert np.abs(local_contrast(noise, 20.0)).max() < 0.3


@given(window=st.floats(4, 60), seed=st.integers(0, 100))
def test_nothing_beyond_its_reach_counts(window: float, seed: int) -> None:
    reach = contrast_reach(window)
    image = _texture((2 * reach + 40, 60), seed)
    other = image.copy()
    other[reach + 20 :] = 5.0
    kept = slice(0, 20)
    before, after = (np.stack(local_statistics(one, window))[:, kept] for one in (image, other))
    np.testing.assert_allclose(before, after, atol=2e-3)


def test_each_plane_of_a_stack_is_flattened_for_itself() -> None:
    stack = np.stack([_texture((90, 80), seed) for seed in range(3)])
    np.testing.assert_allclose(local_contrast(stack, 9.0)[1], local_contrast(stack[1], 9.0), atol=1e-6)


def test_flattening_keeps_within_what_networks_are_shown() -> None:
    image = np.array([[10.0, -10.0]], np.float32)
    flat = flatten(image, np.zeros_like(image), np.ones_like(image))
    assert flat.tolist() == [[1.5, -1.5]]


def test_weights_give_the_statistics_of_the_pixels_that_count() -> None:
    """The oracle is normalised convolution with a Gaussian."""
    image = _texture((300, 320))
    weights = np.ones_like(image)
    weights[:, :150] = 0
    gapped = np.where(weights > 0, image, np.float32(-1.5))
    mean, spread = local_statistics(gapped, 12.0, weights)
    total = gaussian_filter(weights, 12.0)
    expected = gaussian_filter(image * weights, 12.0) / np.maximum(total, 1e-9)
    variance = gaussian_filter(image**2 * weights, 12.0) / np.maximum(total, 1e-9) - expected**2
    inside = (slice(60, -60), slice(154, -60))
    assert np.abs(mean - expected)[inside].max() < 0.05
    assert np.abs(spread - np.sqrt(variance + 0.01))[inside].max() < 0.05


def test_where_nothing_counts_all_does() -> None:
    image = _texture((100, 120))
    nothing = local_statistics(image, 10.0, np.zeros_like(image))
    for found, expected in zip(nothing, local_statistics(image, 10.0), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
