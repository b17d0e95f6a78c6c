"""Affinities against a loop over all pairs of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.segmentation.affinity_oracle import affinities_from_labels, foreground_from_labels

OFFSETS = {
    2: ((-1, 0), (0, -1), (-3, 2), (0, 9), (4, 4)),
    3: ((-1, 0, 0), (0, -1, 0), (0, 0, -1), (1, -2, 3)),
}

annotations = st.sampled_from([(6, 7), (3, 4, 5)]).flatmap(
    lambda shape: arrays(np.uint32, shape, elements=st.integers(0, 4))
)


def affinities_by_loop(annotation: np.ndarray, offsets: tuple) -> tuple[np.ndarray, np.ndarray]:
    affinities = np.zeros((len(offsets), *annotation.shape), np.float32)
    mask = np.zeros(affinities.shape, bool)
    for k, offset in enumerate(offsets):
        for pixel in np.ndindex(annotation.shape):
            other = tuple(p + o for p, o in zip(pixel, offset, strict=True))
            if not all(0 <= q < n for q, n in zip(other, annotation.shape, strict=True)):
                continue
            here, there = annotation[pixel], annotation[other]
            mask[k, *pixel] = here != 0 and there != 0
            affinities[k, *pixel] = here == there and here > 1
    return affinities, mask


@given(annotations)
def test_affinities_equal_a_loop_over_all_pairs(annotation: np.ndarray) -> None:
    offsets = OFFSETS[annotation.ndim]
    expected, expected_mask = affinities_by_loop(annotation, offsets)
    affinities, mask = affinities_from_labels(annotation, offsets)
    assert affinities.dtype == np.float32
    assert mask.dtype == bool
    np.testing.assert_array_equal(affinities, expected)
    np.testing.assert_array_equal(mask, expected_mask)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint64, np.int64])
def test_any_integer_type_gives_the_same_affinities(dtype: type) -> None:
    annotation = np.array([[0, 1, 2], [3, 3, 2]], dtype)
    annotation.flags.writeable = False
    affinities, mask = affinities_from_labels(annotation[:, ::-1], OFFSETS[2])
    expected, expected_mask = affinities_by_loop(annotation[:, ::-1], OFFSETS[2])
    np.testing.assert_array_equal(affinities, expected)
    np.testing.assert_array_equal(mask, expected_mask)


def test_the_affinities_of_a_part_equal_the_part_of_the_affinities_where_both_are_known() -> None:
    annotation = np.random.default_rng(0).integers(0, 4, (20, 20))
    whole, known = affinities_from_labels(annotation, OFFSETS[2])
    part, known_in_part = affinities_from_labels(annotation[5:15, 5:15], OFFSETS[2])
    assert not (known_in_part & ~known[:, 5:15, 5:15]).any()
    np.testing.assert_array_equal(part[known_in_part], whole[:, 5:15, 5:15][known_in_part])


def test_foreground_is_every_object_and_is_known_where_something_was_painted() -> None:
    foreground, mask = foreground_from_labels(np.array([[0, 1, 2, 3]], np.uint8))
    np.testing.assert_array_equal(foreground, [[0, 0, 1, 1]])
    np.testing.assert_array_equal(mask, [[False, True, True, True]])
    assert foreground.dtype == np.float32
