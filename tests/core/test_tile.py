import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile, TileGrid, fitting_side

LENGTHS = st.lists(st.tuples(st.integers(1, 23), st.integers(1, 9)), min_size=1, max_size=3)


def _boxes(ndim: int) -> st.SearchStrategy[Tile]:
    axis = st.tuples(st.integers(-5, 9), st.integers(1, 8))
    return st.lists(axis, min_size=ndim, max_size=ndim).map(
        lambda axes: Tile(tuple(a for a, _ in axes), tuple(n for _, n in axes))
    )


@given(LENGTHS)
def test_a_grid_covers_every_pixel_exactly_once(lengths: list[tuple[int, int]]) -> None:
    bounds, tile_shape = zip(*lengths, strict=True)
    grid = TileGrid(tuple(bounds), tuple(tile_shape))
    counted = np.zeros(bounds, int)

    tiles = list(grid)
    for tile in tiles:
        counted[tile.slices] += 1

    assert (counted == 1).all()
    assert len(tiles) == len(grid)


@given(_boxes(2), _boxes(2))
def test_intersection_holds_the_pixels_of_both(first: Tile, second: Tile) -> None:
    def pixels(tile: Tile | None) -> set[tuple[int, int]]:
        if tile is None:
            return set()
        return {
            (y, x) for y in range(tile.start[0], tile.stop[0]) for x in range(tile.start[1], tile.stop[1])
        }

    shared = pixels(first) & pixels(second)

    assert pixels(first.intersection(second)) == shared
    assert first.overlaps(second) == bool(shared)
    assert first.contains(second) == (shared == pixels(second))


@given(_boxes(3), st.tuples(*[st.integers(0, 4)] * 3))
def test_growing_adds_the_halo_on_both_sides(tile: Tile, halo: tuple[int, ...]) -> None:
    grown = tile.grow(halo)

    assert grown.contains(tile)
    assert [a - b for a, b in zip(tile.start, grown.start, strict=True)] == list(halo)
    assert [a - b for a, b in zip(grown.stop, tile.stop, strict=True)] == list(halo)


def test_clipping_keeps_what_is_inside_and_refuses_what_is_not() -> None:
    assert Tile((-3, 5), (10, 10)).clip((20, 12)) == Tile((0, 5), (7, 7))
    with pytest.raises(InputError, match="outside an image"):
        Tile((30, 0), (4, 4)).clip((20, 12))


@pytest.mark.parametrize(("start", "shape"), [((0,), (1, 1)), ((0, 0), (0, 4)), ((0, 0), (4, -1))])
def test_tiles_that_are_no_box_are_refused(start: tuple[int, ...], shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"tile"):
        Tile(start, shape)


@pytest.mark.parametrize(
    ("shape", "diameter", "side"),
    [
        ((2000, 2000), None, 256),
        ((30, 300, 400), None, 150),
        ((2000, 2000), 40, 320),
        ((5, 2000, 2000), 12, 128),  # smaller than that nobody wants to paint
        ((1000, 1300), 92, 384),  # four of eight diameters would cover the image
        ((9000, 9000), 300, 1024),
        ((100, 100), 30, 64),
        ((40, 50), 30, 40),
        ((40, 50), None, 40),
    ],
)
def test_the_side_of_tiles_suits_objects_and_image(
    shape: tuple[int, ...], diameter: float | None, side: int
) -> None:
    assert fitting_side(shape, diameter) == side


@given(st.tuples(st.integers(1, 5000), st.integers(1, 5000)), st.none() | st.floats(2, 2000))
def test_the_side_of_tiles_is_no_longer_than_the_image(
    shape: tuple[int, int], diameter: float | None
) -> None:
    assert 1 <= fitting_side(shape, diameter) <= min(shape)
