from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.annotation.labelled_tile import LabelledTile, held_out_part, role_of, split_holdout
from napari_graft.annotation.store import AnnotationStore
from napari_graft.core.tile import Tile, TileGrid

Paint = Callable[..., LabelledTile]
GRID = list(TileGrid((20, 30), (4, 5)))


@settings(max_examples=12)
@given(st.permutations(range(len(GRID))), st.lists(st.integers(0, 29), max_size=10), st.data())
def test_no_pixel_is_ever_both_trained_on_and_kept_apart(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], painted_anew: list[int], data: st.DataObject
) -> None:
    """Accept tiles in any order and number, paint some anew, and look at the split in each round."""
    store = AnnotationStore(tmp_path_factory.mktemp("holdout") / "a")
    trained, kept_apart = np.zeros((20, 30), bool), np.zeros((20, 30), bool)
    steps = order[: data.draw(st.integers(1, len(order)))]
    for number, index in enumerate(steps):
        store.write(LabelledTile(GRID[index], np.ones(GRID[index].shape, np.uint32)))
        if number < len(painted_anew) and painted_anew[number] in steps[: number + 1]:
            again = GRID[painted_anew[number]]
            store.write(LabelledTile(again, np.full(again.shape, 3, np.uint32), round=1))
        if number % 3 and number != len(steps) - 1:
            continue
        for split in split_holdout(store.labelled_tiles()):
            trained[split.labelled_tile.tile.slices] |= split.train_mask
            kept_apart[split.labelled_tile.tile.slices] |= split.validation_mask

    assert not (trained & kept_apart).any()
    assert trained.any()
    assert kept_apart.any()


@given(
    st.lists(st.integers(0, 1000), min_size=2, max_size=3),
    st.lists(st.integers(1, 12), min_size=3, max_size=3),
    st.sampled_from(["part", "train", "validation"]),
    st.integers(0, 99),
)
def test_the_masks_part_the_labelled_pixels(start: list[int], shape: list[int], role: str, seed: int) -> None:
    tile = Tile(tuple(start), tuple(shape[: len(start)]))
    labels = np.random.default_rng(seed).integers(0, 4, tile.shape, np.uint32)

    (split,) = split_holdout([LabelledTile(tile, labels, complete=False, role=role)])

    assert not (split.train_mask & split.validation_mask).any()
    np.testing.assert_array_equal(split.train_mask | split.validation_mask, labels > 0)
    if role != "part":
        assert not (split.validation_mask if role == "train" else split.train_mask).any()


def test_a_quarter_of_a_tile_is_kept_apart_at_any_of_its_corners() -> None:
    corners = set()
    for tile in TileGrid((2048, 2048), (256, 256)):
        part = held_out_part(tile)
        assert part is not None
        assert tile.contains(part)
        assert part.n_pixels * 4 == tile.n_pixels
        corners.add(tuple(a != b for a, b in zip(part.start, tile.start, strict=True)))

    assert len(corners) == 4


def test_the_part_of_a_stack_reaches_through_all_its_slices() -> None:
    part = held_out_part(Tile((3, 10, 20), (8, 64, 32)))

    assert part is not None
    assert (part.start[0], part.shape) == (3, (8, 32, 16))


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 9), (9, 1), (4, 1, 2)])
def test_thin_tiles_are_parted_too(shape: tuple[int, ...]) -> None:
    part = held_out_part(Tile((0,) * len(shape), shape))

    assert part is not None
    assert 0 < part.n_pixels < np.prod(shape)


def test_a_single_pixel_is_trained_on() -> None:
    assert held_out_part(Tile((5, 5), (1, 1))) is None


def test_whole_tiles_are_kept_apart_from_the_tenth_on_every_fifth() -> None:
    roles = [role_of(n) for n in range(30)]

    assert roles[:9] == ["part"] * 9
    assert [n for n, role in enumerate(roles) if role == "validation"] == [9, 14, 19, 24, 29]
    assert "part" not in roles[9:]


def test_a_tile_keeps_its_role_when_it_is_painted_anew(tmp_path: Path, paint: Paint) -> None:
    store = AnnotationStore(tmp_path / "a")
    for tile in GRID[:15]:
        store.write(paint(tile.start, tile.shape))
    before = [t.role for t in store.labelled_tiles()]

    for tile in GRID[:15]:
        kept = store.write(paint(tile.start, tile.shape, 4, role="train"))
        assert kept.role == store.read(tile).role

    assert [t.role for t in store.labelled_tiles()] == before
    assert before == [role_of(n) for n in range(15)]
