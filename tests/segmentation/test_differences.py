from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_graft.segmentation.objects import THRESHOLD, ObjectDifference, object_differences

labels = arrays(np.uint32, (6, 7), elements=st.integers(0, 4))


def row(*values: int) -> np.ndarray:
    return np.array([values], np.uint32)


def by_brute_force(first: np.ndarray, second: np.ndarray) -> dict[int, tuple[str, float]]:
    """Look at every pair of objects, pixel by pixel."""
    a_masks = {a: first == a for a in range(1, int(first.max()) + 1) if (first == a).any()}
    b_masks = {b: second == b for b in range(1, int(second.max()) + 1) if (second == b).any()}
    found = {}
    for a, mask in a_masks.items():
        iou = max([(mask & b).sum() / (mask | b).sum() for b in b_masks.values()], default=0.0)
        if iou >= THRESHOLD:
            continue
        holders = [b for b in b_masks.values() if 2 * (mask & b).sum() > mask.sum()]
        merges = any(
            2 * (other & b).sum() > other.sum() for b in holders for o, other in a_masks.items() if o != a
        )
        pieces = [(mask & b).sum() for b in b_masks.values() if 2 * (mask & b).sum() > b.sum()]
        if 2 * (mask & (second == 0)).sum() > mask.sum():
            kind = "missed"
        elif merges:
            kind = "merged"
        else:
            kind = "split" if len(pieces) >= 2 and 2 * sum(pieces) >= mask.sum() else "changed"
        found[a] = (kind, iou)
    return found


@given(labels, labels)
def test_differences_are_those_found_by_brute_force(first: np.ndarray, second: np.ndarray) -> None:
    found = object_differences(first, second)

    assert {one.id: (one.kind, pytest.approx(one.iou)) for one in found} == by_brute_force(first, second)


@given(labels, labels)
def test_position_lies_in_the_object_and_the_largest_comes_first(
    first: np.ndarray, second: np.ndarray
) -> None:
    found = object_differences(first, second)

    assert all(first[one.position] == one.id for one in found)
    assert all(one.n_pixels == np.count_nonzero(first == one.id) for one in found)
    assert [one.n_pixels for one in found] == sorted((one.n_pixels for one in found), reverse=True)


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        (row(1, 1, 1, 1), row(2, 2, 2, 2), []),
        (row(1, 1, 1, 1), row(0, 0, 0, 5), ["missed"]),
        (row(1, 1, 1, 1, 1), row(2, 2, 0, 3, 3), ["split"]),
        (row(1, 1, 1, 2, 2, 2), row(5, 5, 5, 5, 5, 5), []),  # each is half of it: the overlap is 0.5
        (row(1, 1, 2, 2, 3, 3), row(5, 5, 5, 5, 5, 5), ["merged"] * 3),
        (row(1, 1, 1, 0, 0, 0, 0), row(0, 5, 5, 5, 5, 5, 5), ["changed"]),
    ],
)
def test_kind_is_as_a_person_would_say(first: np.ndarray, second: np.ndarray, kinds: list[str]) -> None:
    assert [one.kind for one in object_differences(first, second)] == kinds


def test_position_of_a_ring_is_on_the_ring() -> None:
    first = np.zeros((9, 9), np.uint32)
    first[1:8, 1:8] = 3
    first[3:6, 3:6] = 0

    (found,) = object_differences(first, np.zeros_like(first))

    assert first[found.position] == 3
    assert found == ObjectDifference(3, "missed", 0.0, 40, found.position)


def test_equal_and_empty_segmentations_do_not_differ() -> None:
    some = row(0, 1, 1, 2)

    assert object_differences(some, some) == []
    assert object_differences(np.zeros_like(some), some) == []
