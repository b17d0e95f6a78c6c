from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.progress import CancelToken
from napari_graft.inference.predictor import Blender, blend_weights, start_multiple, window_tiles

LENGTHS = st.integers(1, 300)


@settings(max_examples=50)
@given(data=st.data(), n_axes=st.integers(2, 3))
def test_windows_cover_every_pixel_and_overlap_where_they_meet(data: st.DataObject, n_axes: int) -> None:
    shape, largest, overlap, multiple = [], [], [], []
    for _ in range(n_axes):
        factor = data.draw(st.sampled_from([1, 4, 16]))
        longest = factor * data.draw(st.integers(3, 10))
        shape.append(data.draw(LENGTHS))
        largest.append(longest)
        overlap.append(data.draw(st.integers(0, longest // 2)))
        multiple.append(factor)
    windows = window_tiles(shape, largest, overlap, multiple)
    assert len({window.shape for window in windows}) == 1
    for axis, length in enumerate(shape):
        size = windows[0].shape[axis]
        starts = sorted({window.start[axis] for window in windows})
        assert starts[0] == 0
        assert starts[-1] + size == length
        assert size <= largest[axis]
        assert size == length or size % multiple[axis] == 0
        step = start_multiple(largest[axis], multiple[axis])
        assert all(start % step == 0 for start in starts[:-1])
        assert all(a + size - b >= overlap[axis] for a, b in pairwise(starts))


@pytest.mark.parametrize(
    ("length", "sizes"), [(500, 500), (1152, 1152), (1153, 640), (2193, 1152), (2194, 816)]
)
def test_windows_are_no_longer_than_they_must_be(length: int, sizes: int) -> None:
    windows = window_tiles((length,), (1152,), (96,), (16,))
    assert {window.shape for window in windows} == {(sizes,)}


def test_windows_of_one_length_only_have_that_length() -> None:
    assert {window.shape for window in window_tiles((65, 200), (64, 64), (21, 21), (64, 64))} == {(64, 64)}


def test_weights_fall_around_the_middle_of_the_overlap_and_stay_above_zero() -> None:
    weights = blend_weights((20, 60), (4, 15))
    assert weights.min() > 0
    np.testing.assert_allclose(weights[10, :6], 1e-6)  # three eighths of the overlap
    np.testing.assert_allclose(weights[10, 6:10], [0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(weights[10, 10:50], 1)
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_blending_windows_that_agree_gives_what_they_agree_on(seed: int) -> None:
    image = np.random.default_rng(seed).random((2, 70, 90)).astype(np.float32)
    windows = window_tiles((70, 90), (32, 48), (8, 12), (4, 4))
    blender = Blender(2, (70, 90), windows[0].shape, (8, 12))
    for window in windows:
        blender.add(window, image[(slice(None), *window.slices)].copy())
    np.testing.assert_allclose(blender.result(CancelToken()), image, rtol=1e-5)


def test_windows_that_disagree_are_blended_without_a_step() -> None:
    windows = window_tiles((1, 120), (1, 64), (0, 16), (1, 8))
    blender = Blender(1, (1, 120), windows[0].shape, (0, 16))
    for value, window in enumerate(windows):
        blender.add(window, np.full((1, *window.shape), value, np.float32))
    assert np.abs(np.diff(blender.result(CancelToken())[0, 0])).max() <= 4 / 16
