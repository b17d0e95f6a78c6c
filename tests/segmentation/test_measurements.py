from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.segmentation.measurements import measure_object, touching_pairs, unit_of


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(5, 6), (1, 7), (3, 4, 5), (1, 1)]))
def test_pairs_touch_where_a_search_of_all_pixels_finds_them(seed: int, shape: tuple[int, ...]) -> None:
    ids = np.array([0, 0, 1, 7, 70_000, 2**32 - 2], np.uint32)
    labels = ids[np.random.default_rng(seed).integers(0, len(ids), shape)]

    wanted = set()
    for place in product(*map(range, shape)):
        for axis in range(labels.ndim):
            beside = tuple(p + (a == axis) for a, p in enumerate(place))
            if beside[axis] < shape[axis]:
                one, other = sorted((int(labels[place]), int(labels[beside])))
                wanted |= {(one, other)} if 0 < one < other else set()
    assert touching_pairs(labels) == wanted


def test_lengths_are_in_the_unit_of_the_axes_and_from_the_first_pixel_of_the_image() -> None:
    pixels = np.ones((2, 3, 4), np.bool_)
    box = Tile((10, 20, 30), pixels.shape)

    found = measure_object(pixels, box, Axes(("z", "y", "x"), (0.5, 0.1, 0.2), "micrometer"), None, ())

    assert found["volume_um3"] == pytest.approx(24 * 0.01)
    centroid = [found[f"centroid_{axis}_um"] for axis in "zyx"]
    assert centroid == pytest.approx([10.5 * 0.5, 21 * 0.1, 31.5 * 0.2])
    assert (found["box_z_start_px"], found["box_x_stop_px"]) == (10, 34)
    assert not [name for name in found if name.startswith(("intensity", "solidity"))]


def test_without_a_pixel_size_lengths_are_in_pixels() -> None:
    assert unit_of(Axes(("y", "x"))) == "px"
    found = measure_object(np.ones((3, 3), np.bool_), Tile((0, 0), (3, 3)), Axes(("y", "x")), None, ())

    assert (found["area_px2"], found["centroid_y_px"]) == (9, 1)


def test_intensities_are_of_the_pixels_of_the_object_alone_and_do_not_overflow() -> None:
    image = np.full((3, 3), 65_535, np.uint16)
    image[0] = 0
    pixels = image > 0

    found = measure_object(pixels, Tile((0, 0), (3, 3)), Axes(("y", "x")), image, ())

    assert found["intensity_sum"] == 6 * 65_535
    assert (found["intensity_min"], found["intensity_std"]) == (65_535, 0)
