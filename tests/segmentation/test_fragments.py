"""Where small clusters go."""

from __future__ import annotations

import numpy as np

from napari_graft.segmentation.mutex_watershed import Edges, give_away_fragments

EDGES = Edges(np.array([[1, 2, 3], [2, 3, 4]], np.int32), np.array([0.2, 0.6, 0.9], np.float32))


def test_a_fragment_joins_the_large_neighbour_that_attracts_it_most() -> None:
    objects = give_away_fragments(np.array([0, 1, 2, 3, 4]), np.array([90, 50, 5, 60, 70]), EDGES, 10)
    np.testing.assert_array_equal(objects, [0, 1, 2, 2, 3])


def test_a_fragment_without_large_neighbour_becomes_background() -> None:
    objects = give_away_fragments(np.array([0, 1, 2, 3, 4]), np.array([90, 5, 5, 60, 70]), EDGES, 10)
    np.testing.assert_array_equal(objects, [0, 0, 1, 1, 2])


def test_the_pixels_of_all_regions_of_a_cluster_count_together() -> None:
    objects = give_away_fragments(np.array([0, 1, 1, 2, 3]), np.array([90, 6, 6, 6, 6]), EDGES, 12)
    np.testing.assert_array_equal(objects, [0, 1, 1, 1, 0])
