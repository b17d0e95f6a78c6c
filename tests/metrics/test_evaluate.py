"""Scores against scikit-image, brute force and identities."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label
from scipy.optimize import linear_sum_assignment
from skimage.metrics import adapted_rand_error, variation_of_information
from skimage.segmentation import relabel_sequential

from napari_graft.core.errors import InputError
from napari_graft.metrics import evaluate, evaluate_annotated
from napari_graft.metrics.contingency import pool, tabulate

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"

label_images = arrays(np.uint16, (9, 11), elements=st.integers(0, 6))
with_objects = label_images.filter(np.any)


def matches_by_assignment(segmentation: np.ndarray, truth: np.ndarray, threshold: float) -> int:
    """Match objects one to one by brute force over all pairs of masks."""
    segments, objects = (np.unique(x[x > 0]) for x in (segmentation, truth))
    iou = np.zeros((segments.size, objects.size))
    for i, s in enumerate(segments):
        for j, t in enumerate(objects):
            inside, true = segmentation == s, truth == t
            iou[i, j] = (inside & true).sum() / (inside | true).sum()
    allowed = iou > threshold + 1e-9
    rows, columns = linear_sum_assignment(-allowed.astype(float))
    return int(allowed[rows, columns].sum())


def assert_equal_to_oracles(segmentation: np.ndarray, truth: np.ndarray) -> None:
    scores = evaluate(segmentation, truth)
    split, merge = variation_of_information(truth, segmentation, ignore_labels=(0,))
    assert (scores.vi_split, scores.vi_merge) == pytest.approx((split, merge), abs=1e-9)
    assert scores.vi == pytest.approx(split + merge, abs=1e-9)
    with np.errstate(invalid="ignore"):  # scikit-image divides by zero where no two pixels are joined
        arand = adapted_rand_error(truth, segmentation)[0]
    assert scores.arand == pytest.approx(0 if np.isnan(arand) else arand, abs=1e-9)
    n_true, n_predicted = (np.unique(x[x > 0]).size for x in (truth, segmentation))
    matches = np.array([matches_by_assignment(segmentation, truth, t / 100) for t in range(50, 100, 5)])
    precision = matches / (n_true + n_predicted - matches)
    assert scores.ap == pytest.approx(precision.mean())
    assert scores.ap50 == pytest.approx(precision[0])
    assert scores.f1_50 == pytest.approx(2 * matches[0] / (n_true + n_predicted))
    both = (segmentation > 0) & (truth > 0)
    assert scores.dice == pytest.approx(2 * both.sum() / ((segmentation > 0).sum() + (truth > 0).sum()))
    assert (scores.n_true, scores.n_predicted) == (n_true, n_predicted)


@given(label_images, with_objects)
def test_scores_equal_the_oracles_on_random_labels(segmentation: np.ndarray, truth: np.ndarray) -> None:
    assert_equal_to_oracles(segmentation, truth)


@pytest.mark.real
def test_scores_equal_the_oracles_on_real_labels() -> None:
    folder = DATA / "isbi2012_vnc_sstem"
    if not folder.exists():
        pytest.skip("needs the real images in ../shared/data")
    truth = tifffile.imread(folder / "labels_instances.tif")[0][:160, :160]
    image = tifffile.imread(folder / "image.tif")[0][:160, :160]
    guess = label(image > 110)[0]
    assert_equal_to_oracles(guess, relabel_sequential(truth)[0])


@given(with_objects)
def test_a_segmentation_agrees_perfectly_with_itself(truth: np.ndarray) -> None:
    scores = evaluate(truth, truth)
    assert (scores.vi, scores.arand) == (0, 0)
    assert (scores.ap, scores.ap50, scores.f1_50, scores.dice) == (1, 1, 1, 1)


@given(label_images, with_objects, st.permutations(range(1, 7)))
def test_the_names_of_the_objects_do_not_matter(
    segmentation: np.ndarray, truth: np.ndarray, order: list[int]
) -> None:
    renamed = np.array([0, *order], np.uint16)[segmentation]
    first, second = evaluate(segmentation, truth).as_dict(), evaluate(renamed, truth).as_dict()
    assert first == pytest.approx(second)


def test_halving_every_object_costs_one_bit_of_split_and_no_merge() -> None:
    truth = np.repeat(np.arange(1, 5), 10).reshape(4, 10)
    halves = truth * 2 + (np.arange(10) >= 5)
    scores = evaluate(halves, truth)
    assert (scores.vi_split, scores.vi_merge) == pytest.approx((1, 0))
    assert scores.ap50 == 0
    swapped = evaluate(truth, halves)
    assert (swapped.vi_split, swapped.vi_merge) == pytest.approx((0, 1))


def test_pixels_without_truth_do_not_change_the_partition_scores() -> None:
    truth = np.array([[1, 1, 2, 2, 0, 0]])
    quiet, noisy = np.array([[1, 1, 2, 2, 0, 0]]), np.array([[1, 1, 2, 2, 7, 8]])
    assert evaluate(quiet, truth).vi == evaluate(noisy, truth).vi == 0
    assert evaluate(noisy, truth).ap50 == pytest.approx(2 / 4)


def test_labels_up_to_the_largest_integer_are_told_apart() -> None:
    truth = np.array([[2**64 - 1, 2**64 - 2, 5]], np.uint64)
    assert evaluate(truth, truth).n_true == 3
    assert evaluate(truth, np.array([[1, 2, 3]])).vi == 0


def test_per_slice_reports_the_mean_of_the_slices() -> None:
    generator = np.random.default_rng(0)
    segmentation, truth = generator.integers(0, 5, (2, 3, 16, 16))
    scores = evaluate(segmentation, truth, per_slice=True)
    single = [evaluate(s, t) for s, t in zip(segmentation, truth, strict=True)]
    for key in ("vi", "vi_split", "vi_merge", "arand", "ap50", "ap", "f1_50", "dice"):
        assert getattr(scores, key) == pytest.approx(np.mean([getattr(one, key) for one in single]))
    assert scores.n_true == sum(one.n_true for one in single)


def test_a_slice_without_truth_counts_for_false_objects_only() -> None:
    truth = np.zeros((3, 4, 4), int)
    truth[0, :2] = 1
    segmentation = truth.copy()
    segmentation[1, 0, 0] = 9
    scores = evaluate(segmentation, truth, per_slice=True)
    assert (scores.vi, scores.arand) == (0, 0)
    assert (scores.ap50, scores.dice) == (0.5, 0.5)
    assert (scores.n_true, scores.n_predicted) == (1, 2)


def test_unlabelled_pixels_of_an_annotation_are_not_looked_at() -> None:
    annotation = np.array([[2, 2, 3, 3, 1, 0, 0]])
    segmentation = np.array([[1, 1, 2, 2, 0, 3, 4]])
    scores = evaluate_annotated([segmentation], [annotation])
    assert scores is not None
    assert (scores.vi, scores.ap, scores.n_predicted) == (0, 1, 2)
    assert evaluate_annotated([segmentation], [np.ones_like(annotation)]) is None
    assert evaluate_annotated([], []) is None


@given(st.lists(st.tuples(label_images, label_images), min_size=1, max_size=4))
def test_pooled_tables_equal_the_table_of_the_images_side_by_side(
    pairs: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    pooled = pool([tabulate(*pair) for pair in pairs])
    shifted = [[np.where(x > 0, x + 10 * i, 0) for x in pair] for i, pair in enumerate(pairs)]
    joined = tabulate(*(np.hstack([pair[side] for pair in shifted]) for side in (0, 1)))
    assert (pooled.n_true, pooled.n_predicted) == (joined.n_true, joined.n_predicted)
    assert pooled.counts.sum() == joined.counts.sum()
    objects = [(table.segments > 0) & (table.truths > 0) for table in (pooled, joined)]
    assert sorted(pooled.counts[objects[0]]) == sorted(joined.counts[objects[1]])


def test_the_pairs_of_a_table_are_all_different() -> None:
    table = tabulate(*np.random.default_rng(1).integers(0, 4, (2, 20, 20)))
    pairs = sorted(zip(table.segments.tolist(), table.truths.tolist(), strict=True))
    assert all(a != b for a, b in pairwise(pairs))


@pytest.mark.parametrize(
    ("segmentation", "truth", "said"),
    [
        (np.ones((2, 3), int), np.ones((3, 2), int), r"\(2, 3\).*\(3, 2\)"),
        (np.ones((2, 3)), np.ones((2, 3), int), "segmentation.*float64"),
        (np.ones((2, 3), int), np.ones((2, 3), complex), "truth.*complex128"),
        (np.full((2, 3), -4), np.ones((2, 3), int), "segmentation.*-4"),
        (np.ones((2, 3), int), np.zeros((2, 3), int), "no object"),
        (np.zeros((0, 3), int), np.zeros((0, 3), int), "no object"),
    ],
)
def test_labels_that_cannot_be_compared_are_refused(
    segmentation: np.ndarray, truth: np.ndarray, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        evaluate(segmentation, truth)


def test_two_dimensional_labels_have_no_slices() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\).*\(Z, Y, X\)"):
        evaluate(np.ones((2, 3), int), np.ones((2, 3), int), per_slice=True)
