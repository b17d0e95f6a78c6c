from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.measure import label

from napari_graft.samples.appearance import connected_truth, touching_edges


@given(hnp.arrays(np.int32, (9, 11), elements=st.integers(0, 3)))
def test_touching_edges_are_pixels_near_two_ids(cells: np.ndarray) -> None:
    padded = np.pad(cells, 1, mode="edge")
    expected = np.zeros(cells.shape, bool)
    for y, x in np.ndindex(cells.shape):
        expected[y, x] = len(set(padded[y : y + 3, x : x + 3].ravel()) - {0}) > 1
    np.testing.assert_array_equal(touching_edges(cells), expected)


@given(hnp.arrays(np.int32, (10, 12), elements=st.integers(0, 2)))
def test_one_slice_of_truth_is_the_4_connected_components_in_order(cells: np.ndarray) -> None:
    regions = np.where(touching_edges(cells), 0, cells).astype(np.int32)
    np.testing.assert_array_equal(
        connected_truth(regions[None], min_area=1)[0], label(regions, connectivity=1)
    )


def test_pieces_smaller_than_the_least_area_become_background() -> None:
    regions = np.zeros((1, 6, 12), np.int32)
    regions[0, 0, :3] = 1
    regions[0, 2:4, :6] = 2
    assert ndimage.sum_labels(np.ones(regions.shape), connected_truth(regions), [0, 1]).tolist() == [
        60.0,
        12.0,
    ]


def test_a_cell_keeps_its_id_from_slice_to_slice_and_a_branch_gets_its_own() -> None:
    regions = np.zeros((3, 5, 20), np.int32)
    regions[:, :, 0:12] = 7
    regions[1:, :, 8:9] = 0
    truth = connected_truth(regions)
    assert truth[:, 2, 2].tolist() == [1, 1, 1]
    assert truth[:, 2, 10].tolist() == [1, 2, 2]


def test_a_new_cell_at_the_same_place_gets_a_new_id() -> None:
    regions = np.zeros((2, 5, 5), np.int32)
    regions[0], regions[1] = 3, 4
    assert np.unique(connected_truth(regions)[1]).tolist() == [2]
