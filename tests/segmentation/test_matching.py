from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_graft.segmentation.objects import best_overlaps, match_ids

SEGMENTS = arrays(np.uint32, (4, 7), elements=st.integers(0, 5))


def _iou(first: np.ndarray, a: int, second: np.ndarray, b: int) -> float:
    both = np.sum((first == a) & (second == b))
    return float(both / np.sum((first == a) | (second == b)))


def _ids(segments: np.ndarray) -> list[int]:
    return sorted({int(value) for value in segments.ravel()} - {0})


def _most_similar(here: np.ndarray, one: int, there: np.ndarray) -> int | None:
    """Return the object of `there` most like `one`, the lowest of equals; None where none meets it."""
    scores = {other: _iou(here, one, there, other) for other in _ids(there)}
    best = max(scores, key=lambda other: (scores[other], -other), default=None)
    return best if best is not None and scores[best] > 0 else None


def _brute_force(reference: np.ndarray, segments: np.ndarray, highest: int) -> np.ndarray:
    result = np.zeros_like(segments)
    for one in _ids(segments):
        other = _most_similar(segments, one, reference)
        if other is not None and _most_similar(reference, other, segments) == one:
            new = other
        else:
            highest = new = highest + 1
        result[segments == one] = new
    return result


@given(SEGMENTS, SEGMENTS)
def test_objects_that_are_most_like_each_other_get_one_id(first: np.ndarray, second: np.ndarray) -> None:
    np.testing.assert_array_equal(match_ids(first, second, 7), _brute_force(first, second, 7))


@given(SEGMENTS, SEGMENTS)
def test_matching_renames_objects_and_changes_none(first: np.ndarray, second: np.ndarray) -> None:
    renamed = match_ids(first, second, 5)

    assert renamed.dtype == np.uint32
    assert len(_ids(renamed)) == len(_ids(second))
    for one in _ids(second):
        assert np.unique(renamed[second == one]).size == 1
    assert not renamed[second == 0].any()


@given(SEGMENTS)
def test_the_same_objects_by_other_ids_are_all_recognised(first: np.ndarray) -> None:
    other = np.where(first > 0, 900 - 7 * first, 0).astype(np.uint32)

    np.testing.assert_array_equal(match_ids(first, other, 5), first)


@given(SEGMENTS, SEGMENTS)
def test_best_overlap_is_the_highest_ratio_of_all_objects(first: np.ndarray, second: np.ndarray) -> None:
    expected = {
        one: max((_iou(first, one, second, other) for other in _ids(second)), default=0.0)
        for one in _ids(first)
    }

    found = best_overlaps(first, second)

    assert list(found) == _ids(first)
    assert found == expected


def test_an_empty_image_matches_nothing() -> None:
    empty, one = np.zeros((3, 3), np.uint32), np.full((3, 3), 4, np.uint32)

    assert best_overlaps(empty, one) == {}
    assert best_overlaps(one, empty) == {4: 0.0}
    np.testing.assert_array_equal(match_ids(empty, one, 0), np.ones((3, 3)))
    np.testing.assert_array_equal(match_ids(one, empty, 4), empty)
