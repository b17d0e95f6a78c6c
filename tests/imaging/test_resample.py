"""Resampling, against PyTorch, scipy and what must not move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from napari_graft.core.errors import InputError
from napari_graft.imaging.resample import enlarge_labels, resample_image, resample_labels

shapes = st.lists(st.integers(1, 20), min_size=2, max_size=3).map(tuple)


@st.composite
def shape_pairs(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    before = draw(shapes)
    return before, tuple(draw(st.integers(1, 30)) for _ in before)


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_images_are_resampled_as_pytorch_does(before: tuple[int, int], after: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    image = np.random.default_rng(0).random(before).astype(np.float32)
    oracle = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], size=after, mode="bilinear", antialias=True, align_corners=False
    )
    np.testing.assert_allclose(resample_image(image, after), oracle[0, 0].numpy(), atol=1e-5)


def test_enlarging_is_linear_interpolation_between_pixel_centres() -> None:
    image = np.random.default_rng(0).random((6, 11, 7)).astype(np.float32)
    after = (9, 33, 20)
    factors = [b / a for a, b in zip(image.shape, after, strict=True)]
    oracle = ndimage.zoom(image, factors, order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(resample_image(image, after), oracle, atol=1e-5)


@given(shape_pairs())
def test_a_constant_image_stays_constant(pair: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    before, after = pair
    resampled = resample_image(np.full(before, 3.0), after)
    assert resampled.shape == after
    assert resampled.dtype == np.float32
    np.testing.assert_allclose(resampled, 3.0, rtol=1e-5)


@given(shapes)
def test_the_same_shape_changes_nothing(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    np.testing.assert_array_equal(resample_image(image, shape), image)
    labels = (image * 2**32).astype(np.uint32)
    np.testing.assert_array_equal(resample_labels(labels, shape), labels)


def test_leading_axes_are_kept() -> None:
    probabilities = np.random.default_rng(0).random((4, 20, 30)).astype(np.float32)
    resampled = resample_image(probabilities, (13, 47))
    for before, after in zip(probabilities, resampled, strict=True):
        np.testing.assert_allclose(after, resample_image(before, (13, 47)), atol=1e-6)


def blob(shape: tuple[int, ...], centre: tuple[float, ...]) -> np.ndarray:
    distance = sum((grid - c) ** 2 for grid, c in zip(np.indices(shape), centre, strict=True))
    return np.asarray(np.exp(-distance / (2 * 6.0**2)))


@pytest.mark.parametrize("factor", [0.31, 0.5, 0.77, 1.3, 2.0, 3.1])
@pytest.mark.parametrize("centre", [(40.0, 60.0), (33.3, 71.8)])
def test_a_blob_that_goes_to_another_grid_and_back_stays_where_it_was(
    factor: float, centre: tuple[float, float]
) -> None:
    shape = (96, 131)
    image = blob(shape, centre)
    there = tuple(round(n * factor) for n in shape)
    back = resample_image(resample_image(image, there), shape)
    np.testing.assert_allclose(ndimage.center_of_mass(back), ndimage.center_of_mass(image), atol=0.1)
    labels = (image > 0.3).astype(np.uint32)
    returned = resample_labels(resample_labels(labels, there), shape)
    # a step of the coarse grid is 1 / factor pixels wide
    tolerance = 0.1 if factor > 1 else 0.1 / factor
    np.testing.assert_allclose(
        ndimage.center_of_mass(returned), ndimage.center_of_mass(labels), atol=tolerance
    )


@given(shape_pairs())
def test_labels_take_the_nearest_one(pair: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    before, after = pair
    positions = np.indices(before)
    for axis, (n_in, n_out) in enumerate(zip(before, after, strict=True)):
        taken = resample_labels(positions[axis], after)
        assert taken.shape == after
        centres = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
        distance = np.abs(np.moveaxis(taken, axis, -1) - centres)
        assert distance.max() <= 0.5 + 1e-9


def test_labels_keep_their_type_and_value() -> None:
    labels = np.full((4, 6), 2**63 + 1, np.uint64)
    resampled = resample_labels(labels, (9, 5))
    assert resampled.dtype == np.uint64
    assert (resampled == 2**63 + 1).all()


@given(shapes, st.integers(1, 4))
def test_labels_enlarged_by_a_whole_number_come_back(shape: tuple[int, ...], factor: int) -> None:
    labels = np.random.default_rng(0).integers(0, 9, shape)
    large = resample_labels(labels, tuple(n * factor for n in shape))
    np.testing.assert_array_equal(large, np.kron(labels, np.ones((factor,) * len(shape), int)))
    np.testing.assert_array_equal(resample_labels(large, shape), labels)


@pytest.mark.parametrize("shape", [(), (0, 5), (2, 3, 4)])
def test_shapes_that_cannot_be_are_refused(shape: tuple[int, ...]) -> None:
    for resample in (resample_image, resample_labels):
        with pytest.raises(InputError, match="cannot resample"):
            resample(np.zeros((4, 5), np.float32), shape)


def _disk(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.where(np.hypot(y - centre[0], x - centre[1]) <= radius, 7, 0).astype(np.uint32)


@pytest.mark.parametrize("factor", [3, 4, 6])
@pytest.mark.parametrize("seed", range(5))
def test_enlarged_outlines_are_nearer_to_round_ones_than_the_labels_under_each_centre(
    factor: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y, x = (float(one) for one in rng.uniform(14, 18, 2))
    radius = float(rng.uniform(8, 12))
    small, shape = _disk((32, 32), (y, x), radius), (32 * factor, 32 * factor)
    centre = (factor * (y + 0.5) - 0.5, factor * (x + 0.5) - 0.5)
    truth = _disk(shape, centre, factor * radius)
    smooth, stairs = enlarge_labels(small, shape), resample_labels(small, shape)
    assert np.count_nonzero(smooth != truth) < 0.95 * np.count_nonzero(stairs != truth)
    assert set(np.unique(smooth)) == {0, 7}


@given(
    labels=arrays(np.uint32, array_shapes(min_dims=2, max_dims=3, max_side=9), elements=st.integers(0, 3)),
    factors=st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_enlarging_invents_no_label_and_keeps_even_ground(
    labels: np.ndarray, factors: tuple[int, int]
) -> None:
    shape = (*labels.shape[:-2], labels.shape[-2] * factors[0], labels.shape[-1] * factors[1])
    large = enlarge_labels(labels, shape)
    assert large.shape == shape
    assert large.dtype == labels.dtype
    assert set(np.unique(large)) <= set(np.unique(labels))
    one = np.full_like(labels, 5)
    assert (enlarge_labels(one, shape) == 5).all()


def test_where_a_plane_shrinks_the_label_under_the_centre_counts() -> None:
    labels = np.arange(64, dtype=np.uint32).reshape(8, 8)
    np.testing.assert_array_equal(enlarge_labels(labels, (4, 16)), resample_labels(labels, (4, 16)))


def test_labels_of_the_same_shape_stay_as_they_are() -> None:
    labels = np.random.default_rng(0).integers(0, 9, (3, 7, 5)).astype(np.uint32)
    np.testing.assert_array_equal(enlarge_labels(labels, (3, 7, 5)), labels)
