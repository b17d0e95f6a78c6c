from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft._napari.overlays.field_of_view import tile_around, tile_between
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

sides = st.integers(1, 90)
places = st.floats(-200, 200)


@given(st.tuples(places, places, places), sides, st.tuples(sides, sides, sides))
def test_tile_around_a_place_lies_in_the_image(
    centre: tuple[float, ...], side: int, shape: tuple[int, ...]
) -> None:
    tile = tile_around(centre, side, shape)

    assert Tile((0, 0, 0), shape).contains(tile)
    assert tile.shape == (1, min(side, shape[1]), min(side, shape[2]))


def test_tile_around_a_place_has_it_in_its_middle() -> None:
    assert tile_around((3.2, 50, 60), 21, (9, 100, 120)) == Tile((3, 40, 50), (1, 21, 21))
    assert tile_around((3, 4), 10, (100, 120)).start == (0, 0)


@given(st.tuples(places, places), st.tuples(places, places), st.tuples(sides, sides), st.integers(1, 64))
def test_tile_over_the_view_lies_in_the_image_and_is_not_too_large(
    low: tuple[float, ...], size: tuple[float, ...], shape: tuple[int, ...], longest: int
) -> None:
    high = tuple(a + abs(b) for a, b in zip(low, size, strict=True))
    try:
        tile = tile_between(low, high, shape, longest)
    except InputError:
        assert any(round(a) > n - 1 or round(b) < 0 for a, b, n in zip(low, high, shape, strict=True))
        return

    assert Tile((0, 0), shape).contains(tile)
    assert max(tile.shape) <= longest


def test_tile_over_the_view_is_what_is_seen_of_one_slice() -> None:
    assert tile_between((4, -30, 10), (4, 40, 300), (9, 100, 120), 1024) == Tile((4, 0, 10), (1, 41, 110))
    assert tile_between((4, 0, 0), (4, 999, 999), (9, 100, 120), 50) == Tile((4, 25, 35), (1, 50, 50))


def test_view_beside_the_image_says_what_to_do() -> None:
    with pytest.raises(InputError, match="home"):
        tile_between((200, 0), (300, 50), (100, 120), 1024)
