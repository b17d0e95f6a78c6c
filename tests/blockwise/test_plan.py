from __future__ import annotations

import numpy as np
import pytest
from bright_regions import view_of
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.blockwise.plan import BlockPlan, plan_blocks
from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.sources.network_spec import ModelSpec

FLAT, SOLID = ModelSpec(), ModelSpec(ndim=3)


@settings(max_examples=40)
@given(data=st.data())
def test_each_pixel_of_the_region_is_in_one_core_and_no_halo_leaves_the_image(data: st.DataObject) -> None:
    bounds = tuple(data.draw(st.lists(st.integers(1, 40), min_size=2, max_size=3)))
    start = tuple(data.draw(st.integers(0, n - 1)) for n in bounds)
    region = Tile(start, tuple(data.draw(st.integers(1, n - a)) for a, n in zip(start, bounds, strict=True)))
    block = tuple(data.draw(st.integers(1, n)) for n in bounds)
    plan = BlockPlan(bounds, region, block, tuple(data.draw(st.integers(0, 5)) for _ in bounds))
    times = np.zeros(bounds, int)
    for number in range(len(plan)):
        core, grown = plan.core(number), plan.grown(number)
        times[core.slices] += 1
        assert grown.contains(core)
        assert grown.clip(bounds) == grown
    expected = np.zeros(bounds, int)
    expected[region.slices] = 1
    np.testing.assert_array_equal(times, expected)


def test_faces_join_each_two_blocks_once_and_lie_in_both() -> None:
    plan = BlockPlan((4, 90, 120), Tile((0, 0, 0), (4, 90, 120)), (2, 30, 40), (0, 8, 12))
    faces = [(number, *face) for number in range(len(plan)) for face in plan.faces(number)]
    # two layers of 3 × 3 blocks, that are not joined along z: 6 faces across y and 6 across x in each
    assert len({(first, second) for first, second, _ in faces}) == len(faces) == 24
    for first, second, slab in faces:
        assert plan.grown(first).contains(slab)
        assert plan.grown(second).contains(slab)
        assert sorted(slab.shape[1:]) in ([8, 40], [12, 30])
        for number in (first, second):
            assert plan.core(number).overlaps(slab)


def test_blocks_are_equally_large_and_no_larger_than_the_memory_allows() -> None:
    plan = plan_blocks(view_of(np.zeros((3, 1100, 700)), FLAT), None, None)
    assert plan.block == (1, 560, 700)  # a multiple of what the network's grid asks for
    assert plan.halo == (0, 64, 64)
    assert len(plan) == 6
    assert plan_blocks(view_of(np.zeros((1024, 512)), FLAT), None, None).block == (1024, 512)


def test_lengths_follow_the_pixel_size_within_bounds() -> None:
    spec = ModelSpec(pixel_size=(8.0, 8.0))
    image = np.broadcast_to(np.float32(0), (10_000, 10_000))
    plan = plan_blocks(view_of(image, spec, Axes(("y", "x"), (16.0, 1.0))), None, None)
    assert plan.halo == (32, 512)
    assert plan.block[0] == 504
    assert plan.block[1] == 2048


def test_a_solid_model_joins_along_all_axes() -> None:
    plan = plan_blocks(view_of(np.zeros((64, 200, 200)), SOLID), None, None)
    assert all(width > 0 for width in plan.halo)
    assert len(plan) == 8
    assert sum(1 for number in range(8) for _ in plan.faces(number)) == 12


@pytest.mark.parametrize(
    "region", [Tile((0, 0), (4, 4)), Tile((0, 0, 5), (1, 4, 4)), Tile((-1, 0, 0), (2, 4, 4))]
)
def test_a_region_outside_the_image_is_refused(region: Tile) -> None:
    with pytest.raises(InputError, match=r"region .* reaches outside the image of shape \(2, 8, 8\)"):
        plan_blocks(view_of(np.zeros((2, 8, 8)), FLAT), region, None)


@pytest.mark.parametrize("block", [(4, 4), (2, 4, 4), (1, 0, 4)])
def test_a_block_that_does_not_suit_is_refused(block: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"block .* does not suit .* the first of them 1"):
        plan_blocks(view_of(np.zeros((2, 8, 8)), FLAT), None, block)
