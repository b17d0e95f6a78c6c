from __future__ import annotations

import numpy as np
import pytest

from napari_graft.core.tile import Tile
from napari_graft.session.demo import split_for_test


@pytest.mark.parametrize("shape", [(100, 60), (10, 40, 50), (3, 40, 50), (1, 100, 60), (4, 7)])
def test_no_pixel_can_be_both_annotated_and_tested_and_none_is_left_over(shape: tuple[int, ...]) -> None:
    split = split_for_test(shape)

    covered = np.zeros(shape, int)
    for tile in (split.annotatable, *split.test):
        covered[tile.slices] += 1
    assert (covered == 1).all()


def test_the_last_fifth_of_the_slices_of_a_stack_is_tested_slice_by_slice() -> None:
    split = split_for_test((10, 40, 50))

    assert split.test == (Tile((8, 0, 0), (1, 40, 50)), Tile((9, 0, 0), (1, 40, 50)))


@pytest.mark.parametrize("shape", [(100, 60), (1, 100, 60)])
def test_the_last_fifth_of_the_rows_of_a_single_image_is_tested(shape: tuple[int, ...]) -> None:
    split = split_for_test(shape)

    assert [tile.start[-2:] for tile in split.test] == [(80, 0)]
    assert [tile.shape[-2:] for tile in split.test] == [(20, 60)]


def test_a_stack_of_two_slices_keeps_one_for_the_test() -> None:
    split = split_for_test((2, 40, 50))

    assert [tile.start[0] for tile in split.test] == [1]
