from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_graft.core.tile import Tile
from napari_graft.session.prediction import parse_region
from napari_graft.workbench.train.finished_results import region_text, region_to_segment


def test_a_small_image_is_segmented_whole() -> None:
    assert region_to_segment((12, 512, 512), [], None) == Tile((0, 0, 0), (12, 512, 512))


def test_of_a_large_stack_the_slices_nearest_to_the_place_are_segmented() -> None:
    tiles = [Tile((10, 500, 500), (1, 256, 256)), Tile((60, 900, 500), (1, 256, 256))]

    region = region_to_segment((100, 4000, 4000), tiles, (20, 600, 600), largest=20_000_000)

    # 1168 × 768 pixels around both tiles, and as many slices about slice 20 as fit.
    assert region.start[1:] == (244, 244)
    assert region.shape[1:] == (1168, 768)
    assert region.start[0] <= 20 < region.stop[0]
    assert region.shape[0] == 20_000_000 // (1168 * 768)


def test_of_a_large_picture_a_square_around_the_place_is_segmented() -> None:
    tiles = [Tile((0, 0), (256, 256)), Tile((19_000, 19_000), (256, 256))]

    region = region_to_segment((20_000, 20_000), tiles, (15_000, 400), largest=1_000_000)

    assert region.shape == (1000, 1000)
    assert region.contains(Tile((15_000, 400), (1, 1)))


@given(
    shape=st.lists(st.integers(1, 300), min_size=2, max_size=3).map(tuple),
    place=st.lists(st.integers(-50, 400), min_size=3, max_size=3),
    largest=st.integers(400, 200_000),
    data=st.data(),
)
def test_a_region_is_inside_the_image_no_larger_than_allowed_and_holds_the_place(
    shape: tuple[int, ...], place: list[int], largest: int, data: st.DataObject
) -> None:
    starts = data.draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in shape)), max_size=3))
    tiles = [Tile(start, (1,) * len(shape)).grow((2,) * len(shape)).clip(shape) for start in starts]
    point = tuple(place[: len(shape)])

    region = region_to_segment(shape, tiles, point, largest)

    assert Tile((0,) * len(shape), shape).contains(region)
    assert region.n_pixels <= max(largest, 1)
    clipped = tuple(min(max(p, 0), n - 1) for p, n in zip(point, shape, strict=True))
    assert region.contains(Tile(clipped, (1,) * len(shape)))
    assert parse_region(region_text(region), shape) == region


@pytest.mark.parametrize("shape", [(8000, 100), (3, 8000, 100)])
def test_a_narrow_image_keeps_its_whole_width(shape: tuple[int, ...]) -> None:
    region = region_to_segment(shape, [], None, largest=100_000)

    assert region.shape[-1] == 100
    assert 50_000 <= prod(region.shape) <= 100_000
