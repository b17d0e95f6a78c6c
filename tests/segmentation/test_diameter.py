"""How wide objects are."""

from __future__ import annotations

import numpy as np
import pytest

from napari_graft.segmentation.objects import median_diameter, object_diameters, usual_diameter


def _squares(*sides: int) -> np.ndarray:
    labels = np.zeros((64, 64 * len(sides)), np.int32)
    for index, side in enumerate(sides):
        labels[2 : 2 + side, 64 * index + 2 : 64 * index + 2 + side] = 7 * index + 3
    return labels


def test_the_diameter_is_that_of_a_disk_of_the_same_area() -> None:
    y, x = np.mgrid[:80, :80]
    disk = ((y - 40) ** 2 + (x - 40) ** 2 <= 15**2).astype(np.int32)
    assert median_diameter(disk) == pytest.approx(30, rel=0.02)


def test_pieces_and_debris_hardly_count() -> None:
    labels = _squares(40, 40, 40, 3, 3, 3, 3, 3)
    assert median_diameter(labels) == pytest.approx(40 * 2 / np.sqrt(np.pi))


def test_each_plane_of_an_object_counts_for_itself() -> None:
    stack = np.stack([_squares(20), _squares(10), _squares(10)])
    np.testing.assert_allclose(sorted(object_diameters(stack)), np.array([10, 10, 20]) * 2 / np.sqrt(np.pi))


def test_without_objects_there_is_no_diameter() -> None:
    assert median_diameter(np.zeros((5, 6), np.int32)) is None
    assert usual_diameter(np.empty(0)) is None


def test_one_object_is_the_usual_one() -> None:
    assert usual_diameter(np.array([12.5])) == 12.5
