from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.workbench.sources.model import busiest_tile, tiles_over

sides = st.integers(1, 70)


@given(st.tuples(sides, sides), st.tuples(sides, sides), st.tuples(sides, sides))
def test_places_lie_in_the_view_and_the_first_in_its_middle(
    start: tuple[int, int], size: tuple[int, int], shape: tuple[int, int]
) -> None:
    view = Tile(start, size)
    tiles = tiles_over(view, shape)
    assert 1 <= len(tiles) <= 25
    assert len(set(tiles)) == len(tiles) or min(size) < 12
    assert all(view.contains(tile) for tile in tiles)
    middle = np.array(view.start) + (np.array(view.shape) - tiles[0].shape) / 2
    distance = [np.abs(np.array(tile.start) - middle).max() for tile in tiles]
    assert distance[0] <= min(distance) + 1


def test_a_place_with_membranes_is_taken_before_a_noisy_empty_one_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(120, 12, (1, 300, 300))
    rows, columns = np.mgrid[:300, :300]
    is_far = np.hypot(rows - 130, columns - 130) > 120
    image[0][is_far & ((rows // 3 % 8 == 0) | (columns // 3 % 8 == 0))] -= 90  # outside of a large nucleus
    volume = Volume(np.clip(image, 0, 255).astype(np.uint8), Axes(("z", "y", "x")), None, "made")
    found = busiest_tile(volume, Tile((0, 0, 0), (1, 300, 300)), (1, 100, 100))
    assert is_far[found.start[1] : found.stop[1], found.start[2] : found.stop[2]].mean() > 0.7


def test_who_has_zoomed_in_sees_the_place_that_was_chosen() -> None:
    volume = Volume(np.zeros((64, 64), np.uint8), Axes(("y", "x")), None, "made")
    assert busiest_tile(volume, Tile((10, 12), (20, 20)), (32, 32)) == Tile((10, 12), (20, 20))
