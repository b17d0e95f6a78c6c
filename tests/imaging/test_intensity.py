"""Intensity ranges, against numpy on the whole image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.imaging.intensity import IntensityRange, estimate_intensity_range
from napari_graft.io import Volume

ZYX = Axes(("z", "y", "x"))


def make_volume(image: np.ndarray) -> Volume:
    return Volume(image, Axes(ZYX.names[-image.ndim :]), path="fly.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.int64, np.float64])
@pytest.mark.parametrize("inverted", [False, True])
def test_the_range_becomes_minus_one_to_one_and_the_rest_is_clipped(dtype: type, inverted: bool) -> None:
    array = np.array([0, 5, 10, 15, 20, 25, 30, 100]).astype(dtype)
    before = array.copy()
    normalised = IntensityRange(10, 20, inverted).normalise(array)
    expected = np.array([-1.5, -1.5, -1, 0, 1, 1.5, 1.5, 1.5])
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised, -expected if inverted else expected)
    np.testing.assert_array_equal(array, before)


@given(st.integers(-(2**40), 2**40), st.integers(1, 1000))
def test_large_integers_keep_their_differences(low: int, width: int) -> None:
    array = low + np.arange(width + 1)
    expected = np.clip(2 * np.arange(width + 1) / width - 1, -1.5, 1.5)
    np.testing.assert_allclose(IntensityRange(low, low + width).normalise(array), expected, atol=1e-3)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1), (np.nan, 1), (0, np.inf)])
def test_a_range_that_cannot_be_is_refused(low: float, high: float) -> None:
    with pytest.raises(InputError, match=f"intensity range {low} to {high}"):
        IntensityRange(low, high)


@pytest.mark.parametrize("shape", [(300, 400), (5, 100, 120)])
def test_the_percentiles_of_a_small_image_are_exact(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).gamma(2, 30, shape).astype(np.float32)
    found = estimate_intensity_range(make_volume(image), np.random.default_rng(1), percentiles=(2, 90))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(image, (2, 90))))
    assert not found.inverted


def test_the_percentiles_of_a_large_image_are_near_the_true_ones() -> None:
    rng = np.random.default_rng(0)
    image = (rng.normal(100, 10, (30, 300, 300)) + 30 * np.sin(np.arange(30))[:, None, None]).astype(
        np.float32
    )
    found = estimate_intensity_range(make_volume(image), np.random.default_rng(1), max_pixels=900_000)
    low, high = np.percentile(image, (0.5, 99.5))
    assert found.low == pytest.approx(low, abs=3)
    assert found.high == pytest.approx(high, abs=3)


def test_the_range_is_that_of_the_volume_and_not_of_a_slice() -> None:
    image = np.zeros((4, 50, 50), np.uint8)
    image[2:] = 200
    found = estimate_intensity_range(make_volume(image), np.random.default_rng(0))
    assert (found.low, found.high) == (0, 200)


def test_a_few_bright_spots_on_black_give_their_range() -> None:
    image = np.zeros((200, 200), np.uint16)
    image[5, 7] = 900
    found = estimate_intensity_range(make_volume(image), np.random.default_rng(0))
    assert (found.low, found.high) == (0, 900)


def test_a_seed_gives_the_same_range() -> None:
    volume = make_volume(np.random.default_rng(0).random((20, 300, 300)))
    first, second = (
        estimate_intensity_range(volume, np.random.default_rng(3), max_pixels=200_000) for _ in range(2)
    )
    assert first == second


def test_a_constant_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"fly\.tif are 7: give an image with some contrast"):
        estimate_intensity_range(make_volume(np.full((30, 30), 7)), np.random.default_rng(0))


def test_an_image_with_nan_is_refused() -> None:
    image = np.zeros((30, 30))
    image[4, 5] = np.nan
    with pytest.raises(InputError, match=r"pixel \(4, 5\)"):
        estimate_intensity_range(make_volume(image), np.random.default_rng(0))


@pytest.mark.parametrize(("value", "dtype"), [(-9999, np.int16), (0, np.uint8), (255, np.uint8)])
def test_pixels_without_data_do_not_stretch_the_range(value: int, dtype: type) -> None:
    image = np.random.default_rng(0).integers(90, 120, (200, 300)).astype(dtype)
    low, high = np.percentile(image[:, 50:], (0.5, 99.5))
    image[:, :50] = value
    volume = Volume(image, Axes(("y", "x")), no_data=float(value))
    found = estimate_intensity_range(volume, np.random.default_rng(0))
    assert (found.low, found.high) == (low, high)


def test_an_image_without_any_data_has_no_range() -> None:
    volume = Volume(np.full((20, 30), -1.0, np.float32), Axes(("y", "x")), path="fly.tif", no_data=-1.0)
    with pytest.raises(InputError, match=r"fly\.tif are -1, .*no data: give another image"):
        estimate_intensity_range(volume, np.random.default_rng(0))
