from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proofreading.labels import TYPES

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.edit_record import pack, unpack
from napari_graft.proofreading.object_map import ObjectMap


@given(st.integers(0, 10**6), st.sampled_from([(9, 11), (4, 5, 6)]), st.sampled_from(TYPES))
def test_an_edit_between_two_states_leads_there_and_back_also_through_bytes(
    seed: int, shape: tuple[int, ...], dtype: type
) -> None:
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 3, shape).astype(dtype)
    after = np.where(rng.random(shape) < rng.random(), rng.integers(0, 3, shape), before).astype(dtype)
    box = Tile((0,) * len(shape), shape)

    edit = Edit.from_regions("brush", box, before, after)
    stored = unpack(pack(edit))
    labels = before.copy()
    stored.apply(labels)
    there = labels.copy()
    stored.inverse().apply(labels)

    assert np.array_equal(there, after) and np.array_equal(labels, before)
    assert stored.tool == "brush" and stored.box == edit.box
    assert edit.ids == set(np.unique([before[before != after], after[before != after]]).tolist())


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 3)), max_size=40))
def test_the_pixels_of_strokes_that_cross_make_one_edit(strokes: list[tuple[int, int, int]]) -> None:
    labels = np.zeros((6, 7), np.uint8)
    positions, before, after = [], [], []
    for y, x, label in strokes:
        positions.append((y, x))
        before.append(labels[y, x])
        after.append(label)
        labels[y, x] = label
    rows, columns = np.array(positions, int).reshape(-1, 2).T

    edit = Edit.from_pixels("brush", (rows, columns), np.array(before, int), np.array(after, int))
    labels_anew = np.zeros((6, 7), np.uint8)
    edit.apply(labels_anew)

    assert np.array_equal(labels_anew, labels)
    assert edit.n_pixels == np.count_nonzero(labels)


def test_an_edit_of_other_labels_is_refused() -> None:
    edit = Edit.from_pixels("brush", (np.array([3]), np.array([4])), np.array([1]), 300)

    with pytest.raises(InputError, match="not those that 'brush' was done on"):
        edit.apply(np.zeros((9, 9), np.uint16))
    with pytest.raises(InputError, match="outside"):
        edit.apply(np.ones((3, 3), np.uint16))
    with pytest.raises(InputError, match="300 does not fit into uint8"):
        edit.apply(np.ones((9, 9), np.uint8))


def test_bytes_that_hold_no_edit_give_none() -> None:
    whole = pack(Edit.from_pixels("brush", (np.arange(5), np.arange(5)), np.zeros(5, int), 2))
    assert unpack(whole) is not None
    assert [unpack(whole[:n]) for n in range(1, len(whole) - 5)] == [None] * (len(whole) - 6)


def test_an_edit_is_as_large_as_what_it_changes_and_not_as_its_box() -> None:
    far = np.array([0, 400]), np.array([0, 400]), np.array([0, 400])
    edit = Edit.from_pixels("brush", far, np.zeros(2, int), 1)
    assert edit.box.n_pixels > 6e7 and edit.starts.size == 2 and len(pack(edit)) < 200


def test_a_tool_reads_only_the_box_of_its_object() -> None:
    """Count the pixels that are read, by a view of the labels that tells."""
    read = []

    class Watched(np.ndarray):
        def __getitem__(self, key: object) -> np.ndarray:
            part = np.asarray(super().__getitem__(key))
            read.append(part.size)
            return part

    from napari_graft.proofreading.tools import delete, merge, smooth

    labels = np.zeros((64, 512, 512), np.uint8)
    labels[10:14, 10:20, 10:20] = 1
    labels[14:18, 10:20, 10:20] = 2
    objects = ObjectMap(labels)
    objects.labels = labels.view(Watched)

    edits = [merge(objects, [1, 2]), delete(objects, [1]), smooth(objects, 1)]

    assert all(edit.n_pixels for edit in edits)
    assert sum(read) < 40_000


def test_ids_far_above_the_number_of_objects_are_found() -> None:
    labels = np.zeros((20, 20), np.uint64)
    labels[3:5, 4:8] = 2**40
    objects = ObjectMap(labels)
    assert objects.ids() == [2**40] and objects.box(2**40) == Tile((3, 4), (2, 4))
    assert (
        objects.new_ids(1) == [2**40 + 1] and objects.id_at((3, 4)) == 2**40 and objects.id_at((0, 0)) is None
    )


def test_labels_without_room_for_a_new_id_are_told_of() -> None:
    with pytest.raises(InputError, match="convert them to uint32"):
        ObjectMap(np.full((4, 4), 255, np.uint8)).new_ids(1)
    with pytest.raises(InputError, match="no object is called 7"):
        ObjectMap(np.full((4, 4), 3, np.uint8)).box(7)
