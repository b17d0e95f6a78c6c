"""Errors that were put into a result stand at the head of what is to be checked, each for its reason."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from tests.segmentation.affinity_maps import OFFSETS, OFFSETS_3D, cells, probabilities

from napari_graft.core.errors import InputError
from napari_graft.metrics import evaluate
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.reasons import REASONS, suspicious_objects
from napari_graft.proofreading.split import split
from napari_graft.proofreading.suspicion import bits_of_cut
from napari_graft.proofreading.tools import merge


def make(shape: tuple[int, ...], n_cells: int, seed: int = 0) -> tuple[np.ndarray, AffinityMap]:
    rng = np.random.default_rng(seed)
    truth = cells(shape, n_cells, rng).astype(np.uint32)
    offsets = OFFSETS if len(shape) == 2 else OFFSETS_3D
    return truth, AffinityMap(probabilities(truth, offsets, rng)[1], offsets)


def merged_pair(truth: np.ndarray, affinities: AffinityMap) -> tuple[np.ndarray, int]:
    """Join the two largest neighbours, and what lies between them."""
    sizes = np.bincount(truth.ravel())
    borders = affinities.borders(truth)
    first, second = max(borders.pairs.tolist(), key=lambda pair: min(sizes[pair]))
    both = np.isin(truth, [first, second])
    labels = truth.copy()
    labels[both | (ndimage.binary_closing(both, iterations=4) & (truth == 0))] = first
    return labels, first


def halved(truth: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Cut the largest object in two."""
    largest = int(np.argmax(np.bincount(truth.ravel())[1:])) + 1
    pixels = np.argwhere(truth == largest)
    labels, new = truth.copy(), int(truth.max()) + 1
    labels[tuple(pixels[pixels[:, -1] > np.median(pixels[:, -1])].T)] = new
    return labels, (largest, new)


@pytest.mark.parametrize(("shape", "n_cells"), [((160, 160), 30), ((24, 48, 48), 14)])
def test_a_wrong_merge_comes_first_and_its_seeds_cut_it(shape: tuple, n_cells: int) -> None:
    truth, affinities = make(shape, n_cells)
    labels, one = merged_pair(truth, affinities)
    objects = ObjectMap(labels)

    first = suspicious_objects(objects, affinities)[0]
    before = evaluate(labels, truth).vi
    objects.apply(split(objects, one, first.seeds, affinities))

    assert first.ids == (one,) and first.reason == "border inside" and not first.is_question
    assert objects.labels[first.position] in (0, one, objects.ids()[-1]) and first.box.n_pixels > 1
    assert evaluate(labels, truth).vi < 0.1 * before


@pytest.mark.parametrize(("shape", "n_cells"), [((160, 160), 30), ((24, 48, 48), 14)])
def test_a_wrong_split_comes_first_as_a_question(shape: tuple, n_cells: int) -> None:
    truth, affinities = make(shape, n_cells)
    labels, halves = halved(truth)
    objects = ObjectMap(labels)

    first = suspicious_objects(objects, affinities)[0]
    objects.apply(merge(objects, first.ids))

    assert first.ids == halves and first.reason == "weak border" and first.is_question
    assert np.array_equal(labels, truth)


def test_the_expected_gain_of_a_sure_merge_is_the_vi_that_it_costs() -> None:
    truth = np.zeros((20, 20), np.uint32)
    truth[:, :6], truth[:, 6:] = 1, 2
    assert bits_of_cut(120, 280) / 400 == pytest.approx(evaluate(np.ones_like(truth), truth).vi)


def test_a_dumbbell_is_told_of_as_a_thin_bridge_and_a_ball_is_not() -> None:
    y, x = np.mgrid[:60, :140]
    labels = np.zeros(y.shape, np.uint16)
    labels[(y - 30) ** 2 + (x - 20) ** 2 < 200] = 1
    labels[((y - 30) ** 2 + (x - 60) ** 2 < 200) | ((y - 30) ** 2 + (x - 100) ** 2 < 200)] = 2
    labels[29:32, 60:100] = 2

    (found,) = suspicious_objects(ObjectMap(labels), reasons=["thin bridge"])

    assert found.ids == (2,) and labels[found.position] == 2 and abs(found.position[1] - 80) < 10
    assert [labels[seed] for seed in found.seeds] == [2, 2]
    assert sorted(abs(seed[1] - 80) > 10 for seed in found.seeds) == [True, True]


def test_an_object_of_odd_size_or_shape_is_an_outlier() -> None:
    labels = np.zeros((120, 120), np.int32)
    for number in range(30):
        row, column = divmod(number, 6)
        labels[row * 12 + 1 : row * 12 + 10 + number % 2, column * 12 + 1 : column * 12 + 10] = number + 1
    labels[65:119, 1:55] = 50
    labels[70, 60:119] = 60

    found = suspicious_objects(ObjectMap(labels), reasons=["outlier"])

    assert [one.ids for one in found] == [(50,), (60,)]
    assert "size" in found[0].words and "shape" in found[1].words


def test_an_object_that_ends_inside_a_stack_is_told_of_with_what_goes_on_there() -> None:
    labels = np.zeros((20, 30, 30), np.uint8)
    labels[:, 2:12, 2:12] = 1
    labels[:9, 16:26, 16:26] = 2
    labels[9:, 16:26, 16:26] = 3
    labels[4:12, 2:12, 16:26] = 4

    found = suspicious_objects(ObjectMap(labels), reasons=["ends inside"])

    assert {tuple(sorted(one.ids)) for one in found} == {(2, 3), (4,)}
    assert found[0].is_question and labels[found[0].position] in (2, 3)


def test_what_another_result_sees_otherwise_is_told_of() -> None:
    truth, _ = make((120, 120), 16)
    labels, halves = halved(truth)

    found = suspicious_objects(ObjectMap(labels), other=truth, reasons=["disagreement"])

    assert found and {one.ids[0] for one in found} <= set(halves)


def test_the_order_falls_each_objects_come_once_and_locked_ones_never() -> None:
    truth, affinities = make((160, 160), 30)
    labels, one = merged_pair(truth, affinities)
    found = suspicious_objects(ObjectMap(labels), affinities)
    without = suspicious_objects(ObjectMap(labels, locked=[one]), affinities)

    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert len({each.ids for each in found}) == len(found)
    assert {each.ids for each in found} - {each.ids for each in without} >= {(one,)}
    assert all(each.box.is_inside(labels.shape) for each in found)


def test_every_reason_finds_nothing_in_an_empty_result_or_without_what_it_needs() -> None:
    empty = ObjectMap(np.zeros((16, 16), np.uint8))
    affinities = AffinityMap(np.zeros((10, 16, 16), np.float32), OFFSETS)
    assert suspicious_objects(empty, affinities, np.zeros((16, 16), np.uint8)) == []
    assert suspicious_objects(empty) == []
    assert len(REASONS) == 8


def test_affinities_of_another_region_and_other_shapes_are_refused() -> None:
    objects = ObjectMap(np.zeros((16, 16), np.uint8))
    with pytest.raises(InputError, match="predict all of it"):
        suspicious_objects(objects, AffinityMap(np.zeros((10, 8, 16), np.float32), OFFSETS))
    with pytest.raises(InputError, match="cannot be compared"):
        suspicious_objects(objects, other=np.zeros((16, 15), int))
    with pytest.raises(InputError, match="no reason to look at an object is called 'x'"):
        suspicious_objects(objects, reasons=["x"])


def test_a_straight_cut_is_asked_about_and_a_round_border_is_not() -> None:
    rows, columns = np.indices((64, 64))
    labels = np.zeros((64, 64), np.uint32)
    labels[(rows - 32) ** 2 + (columns - 30) ** 2 < 20**2] = 1
    labels[(labels == 1) & (columns >= 32)] = 2  # two blocks meet here
    labels[(rows - 8) ** 2 + (columns - 56) ** 2 < 6**2] = 3
    labels[(labels == 0) & (rows < 16) & (columns > 44)] = 4  # goes around it
    found = suspicious_objects(ObjectMap(labels), reasons=["cut at a block border"])
    assert [one.ids for one in found] == [(1, 2)]
    assert found[0].is_question
    assert labels[found[0].position] == 1
    assert "39 pixels" in found[0].words


def test_what_the_round_before_saw_otherwise_is_listed_as_such() -> None:
    truth, _ = make((96, 96), 12)
    labels, (first, second) = halved(truth)
    found = suspicious_objects(ObjectMap(labels), previous=truth, reasons=["changed since last round"])
    assert found and {one.ids for one in found} <= {(first,), (second,)}
    assert "larger object in the last round" in found[0].words
    assert not suspicious_objects(ObjectMap(labels), reasons=["changed since last round"])
