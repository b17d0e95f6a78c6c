"""Errors are found where they are, and the same object has the same colour in every picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_graft.report.drawing import LARGEST_SIDE, SMALLEST_SIDE, fit_size
from napari_graft.report.segmentation_pictures import (
    PALETTE,
    Mistake,
    colour_objects,
    dense,
    find_mistakes,
    match_colours,
    mistake_shares,
    overlap_of,
    paint_mistakes,
    paint_objects,
)

label_images = arrays(np.int64, (7, 9), elements=st.integers(0, 5)).map(dense)


def blocks(*columns: int) -> NDArray[np.int64]:
    """Return an image in which each label fills three columns of four rows."""
    return np.tile(np.repeat(columns, 3), (4, 1)).astype(np.int64)


def kinds(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> list[int]:
    """Return the mistake in each block."""
    return find_mistakes(segments, truth)[0, ::3].tolist()


def test_a_perfect_segmentation_has_no_mistake_whatever_its_labels() -> None:
    assert kinds(blocks(2, 0, 1), blocks(1, 0, 2)) == [Mistake.CORRECT, Mistake.NOTHING, Mistake.CORRECT]


def test_the_smaller_of_two_joined_objects_is_marked() -> None:
    assert kinds(blocks(1, 1, 1), blocks(1, 1, 2)) == [Mistake.CORRECT, Mistake.CORRECT, Mistake.JOINED]


def test_the_smaller_piece_of_a_cut_object_is_marked() -> None:
    assert kinds(blocks(1, 1, 2), blocks(1, 1, 1)) == [Mistake.CORRECT, Mistake.CORRECT, Mistake.CUT]


def test_a_missed_and_an_invented_object_are_told_apart() -> None:
    assert kinds(blocks(0, 0, 1), blocks(1, 0, 0)) == [Mistake.MISSED, Mistake.NOTHING, Mistake.INVENTED]


def test_a_border_in_the_wrong_place_joins_a_strip_to_the_neighbour() -> None:
    assert kinds(blocks(1, 1, 1, 2, 2), blocks(1, 1, 2, 2, 2)) == [1, 1, Mistake.JOINED, 1, 1]


def test_a_tight_outline_is_no_mistake() -> None:
    assert kinds(blocks(0, 1, 1), blocks(1, 1, 1)) == [Mistake.CORRECT] * 3


def test_shares_are_of_the_area_of_true_objects() -> None:
    segments, truth = blocks(1, 1, 1, 0), blocks(1, 1, 2, 0)
    shares = mistake_shares(find_mistakes(segments, truth), truth)
    assert shares[Mistake.JOINED] == 1 / 3
    assert shares[Mistake.CUT] == shares[Mistake.MISSED] == shares[Mistake.INVENTED] == 0
    assert mistake_shares(find_mistakes(segments, 0 * truth), 0 * truth) == {}


@given(label_images, label_images)
def test_overlap_counts_each_pair_of_labels(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> None:
    table = overlap_of(segments, truth).table
    for i, j in np.ndindex(table.shape):
        assert table[i, j] == np.count_nonzero((segments == i) & (truth == j))


@given(label_images, label_images)
def test_partners_are_one_to_one_and_overlap(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> None:
    partners = overlap_of(segments, truth).partners()
    assert len(set(partners.values())) == len(partners)
    assert all(((segments == s) & (truth == t)).any() for s, t in partners.items())


@given(label_images)
def test_only_objects_are_mistaken_and_only_segments_invented(truth: NDArray[np.int64]) -> None:
    nothing = np.zeros_like(truth)
    assert set(np.unique(find_mistakes(nothing, truth)[truth > 0])) <= {Mistake.MISSED}
    assert set(np.unique(find_mistakes(truth, nothing)[truth > 0])) <= {Mistake.INVENTED}
    assert not np.isin(find_mistakes(truth, truth), [0, 1], invert=True).any()


def test_the_same_object_has_the_same_colour_under_another_number() -> None:
    truth = blocks(1, 2, 3, 4)
    rng = np.random.default_rng(0)
    of_truth = colour_objects(truth, rng)
    matched = match_colours(blocks(4, 3, 2, 1), truth, of_truth, rng)
    assert [matched[s] for s in (4, 3, 2, 1)] == [of_truth[t] for t in (1, 2, 3, 4)]


def test_the_larger_piece_of_a_cut_object_keeps_its_colour_and_the_other_gets_a_new_one() -> None:
    truth = blocks(1, 1, 1, 2)
    rng = np.random.default_rng(0)
    of_truth = colour_objects(truth, rng)
    matched = match_colours(blocks(1, 2, 2, 3), truth, of_truth, rng)
    assert (matched[2], matched[3]) == (of_truth[1], of_truth[2])
    assert matched[1] not in (matched[2], matched[3])


@given(label_images, st.integers(0, 9))
def test_neighbours_differ_in_colour_while_there_are_enough(labels: NDArray[np.int64], seed: int) -> None:
    chosen = colour_objects(labels, np.random.default_rng(seed))
    assert set(chosen) == set(range(1, int(labels.max()) + 1))
    for there, here in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        touching = (there != here) & (there > 0) & (here > 0)
        assert all(chosen[a] != chosen[b] for a, b in zip(there[touching], here[touching], strict=True))


def test_more_neighbours_than_colours_share_them() -> None:
    rows = np.repeat(np.arange(1, 3 * len(PALETTE) + 1), 1)
    chosen = colour_objects(np.tile(rows, (3, 1)), np.random.default_rng(0))
    assert set(chosen.values()) == set(range(len(PALETTE)))


def test_painting_leaves_the_background_as_it_is_and_the_arguments_alone() -> None:
    image = np.full((4, 9), 100, np.uint8)
    labels = blocks(0, 1, 2)
    before = image.copy(), labels.copy()
    painted = paint_objects(image, labels, colour_objects(labels, np.random.default_rng(0)))
    assert (painted[labels == 0] == 100).all()
    assert (painted[labels == 1] != 100).any()
    assert (paint_mistakes(image, find_mistakes(labels, 0 * labels))[labels == 0] == 100).all()
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(labels, before[1])


@given(st.integers(1, 1500), st.integers(1, 1500))
def test_pictures_are_neither_tiny_nor_huge(height: int, width: int) -> None:
    fitted = fit_size(np.zeros((height, width), np.uint8))
    assert max(fitted.shape) <= LARGEST_SIDE
    assert min(fitted.shape) >= SMALLEST_SIDE or max(fitted.shape) > LARGEST_SIDE / 2


def test_small_pictures_are_enlarged_by_whole_pixels() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    fitted = fit_size(image)
    repeats = fitted.shape[0] // 2
    np.testing.assert_array_equal(fitted, np.kron(image, np.ones((repeats, repeats), np.uint8)))
