from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.proofreading.labels import Scene, scenes

from napari_graft.core.errors import InputError
from napari_graft.proofreading.carry_over import carry_over
from napari_graft.proofreading.object_map import ObjectMap


@settings(max_examples=30)
@given(scene=scenes(), data=st.data())
def test_locked_objects_are_in_the_new_result_as_they_were(scene: Scene, data: st.DataObject) -> None:
    locked = data.draw(st.sets(st.sampled_from(scene.ids), min_size=1, max_size=3))
    moved = np.roll(scene.labels, data.draw(st.integers(-6, 6)), -1)
    objects = ObjectMap(moved.copy())

    carried = carry_over(objects, scene.objects(locked=locked))
    objects.apply(carried.edit)

    for before, now in carried.ids.items():
        assert np.array_equal(objects.labels == now, scene.labels == before)
    for one in np.unique(moved[moved > 0]).tolist():
        assert not np.any((objects.labels == one) & (moved != one))
        inside = np.isin(scene.labels, list(locked)) & (moved == one)
        told = any(each.other == one for each in carried.collisions)
        assert not told or inside.any()
    objects.apply(carried.edit.inverse())
    assert np.array_equal(objects.labels, moved)


def test_an_object_in_the_same_place_gives_way_and_one_that_is_cut_is_told_of() -> None:
    before = np.zeros((20, 30), np.uint16)
    before[5:15, 5:15] = 4
    new = np.zeros_like(before)
    new[4:14, 5:14] = 1
    new[5:15, 14:29] = 2
    new[15:19, 5:15] = 3
    new[10:11, 12:14] = 3
    objects = ObjectMap(new.copy())

    carried = carry_over(objects, ObjectMap(before, locked=[4, 99]))
    objects.apply(carried.edit)

    assert carried.ids == {4: 4} and objects.ids() == [2, 3, 4]
    assert np.array_equal(objects.labels == 4, before == 4)
    (collision,) = carried.collisions
    assert (collision.locked, collision.other, collision.n_pixels) == (4, 2, 10)
    assert new[collision.position] == 2 and before[collision.position] == 4


def test_nothing_locked_changes_nothing_and_other_shapes_are_refused() -> None:
    objects = ObjectMap(np.ones((5, 5), np.uint8))
    assert carry_over(objects, ObjectMap(np.ones((5, 5), np.uint8))).edit.n_pixels == 0
    with pytest.raises(InputError, match="same region"):
        carry_over(objects, ObjectMap(np.ones((5, 6), np.uint8)))
    with pytest.raises(InputError, match="object 1 is locked"):
        carry_over(ObjectMap(objects.labels, locked=[1]), ObjectMap(np.ones((5, 5), np.uint8), locked=[1]))
