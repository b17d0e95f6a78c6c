"""Properties that hold for every tool, and what each one does."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed
from tests.proofreading.labels import Scene, make_scene, scenes

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.grow import Basins, grow
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import split
from napari_graft.proofreading.tools import carry_on, delete, fill_holes, interpolate, merge, smooth


def any_pixel(objects: ObjectMap, object_id: int, data: st.DataObject) -> list[int]:
    pixels = np.argwhere(objects.labels == object_id)
    return pixels[data.draw(st.integers(0, len(pixels) - 1))].tolist()


def do_merge(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    return merge(objects, data.draw(st.lists(st.sampled_from(scene.ids), min_size=2, unique=True)))


def do_split(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    one = data.draw(st.sampled_from(scene.ids))
    seeds = [any_pixel(objects, one, data) for _ in range(data.draw(st.integers(2, 3)))]
    return split(objects, one, seeds, data.draw(st.sampled_from([scene.affinities, None])))


def do_delete(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    return delete(objects, data.draw(st.lists(st.sampled_from(scene.ids), min_size=1)))


def do_fill(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    return fill_holes(objects, data.draw(st.sampled_from(scene.ids)))


def do_smooth(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    return smooth(objects, data.draw(st.sampled_from(scene.ids)), data.draw(st.floats(0.3, 3)))


def do_grow(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    return grow(objects, scene.basins, any_pixel(objects, 0, data)).edit(data.draw(st.integers(0, 9)))


def do_interpolate(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    one = data.draw(st.sampled_from(scene.ids))
    objects.apply(emptied_planes(objects, one))
    return interpolate(objects, one)


def emptied_planes(objects: ObjectMap, one: int) -> Edit:
    box = objects.box(one)
    before = objects.labels[box.slices]
    after = before.copy()
    after[1:-1][before[1:-1] == one] = 0
    return Edit.from_regions("erase", box, before, after)


def do_carry_on(objects: ObjectMap, scene: Scene, data: st.DataObject) -> Edit:
    one = data.draw(st.sampled_from(scene.ids))
    return carry_on(objects, one, any_pixel(objects, one, data)[0], data.draw(st.sampled_from([-1, 1])))


TOOLS = [do_merge, do_split, do_delete, do_fill, do_smooth, do_grow, do_interpolate, do_carry_on]
Do = Callable[[ObjectMap, Scene, st.DataObject], Edit]


def done(do: Do, scene: Scene, data: st.DataObject, locked: tuple[int, ...] = ()) -> tuple[ObjectMap, Edit]:
    """Let a tool make an edit; what it refuses is an edit that changes nothing."""
    objects = scene.objects(locked=locked)
    try:
        return objects, do(objects, scene, data)
    except InputError:
        return objects, Edit.from_pixels("none", [np.zeros(0, int)] * scene.labels.ndim, np.zeros(0, int), 0)


def scenes_for(do: Do) -> st.SearchStrategy[Scene]:
    return scenes(has_z=do in (do_interpolate, do_carry_on))


@pytest.mark.parametrize("do", TOOLS)
@settings(max_examples=25)
@given(data=st.data())
def test_the_inverse_of_an_edit_takes_it_back(do: Do, data: st.DataObject) -> None:
    scene = data.draw(scenes_for(do))
    objects, edit = done(do, scene, data)
    before = objects.labels.copy()

    objects.apply(edit)
    after = objects.labels.copy()
    objects.apply(edit.inverse())
    undone = objects.labels.copy()
    objects.apply(edit)

    assert np.array_equal(undone, before)
    assert np.array_equal(objects.labels, after)
    assert edit.n_pixels == np.count_nonzero(before != after)


@pytest.mark.parametrize("do", TOOLS)
@settings(max_examples=25)
@given(data=st.data())
def test_a_tool_leaves_locked_objects_as_they_are(do: Do, data: st.DataObject) -> None:
    scene = data.draw(scenes_for(do))
    locked = data.draw(st.sets(st.sampled_from(scene.ids), min_size=1, max_size=3), label="locked")
    objects, edit = done(do, scene, data, tuple(locked))
    before = objects.labels.copy()

    objects.apply(edit)

    for one in locked:
        assert np.array_equal(objects.labels == one, before == one)


@pytest.mark.parametrize("do", TOOLS)
@settings(max_examples=15)
@given(data=st.data())
def test_the_boxes_and_new_ids_follow_the_edits(do: Do, data: st.DataObject) -> None:
    objects, edit = done(do, data.draw(scenes_for(do)), data)

    for one in (edit, edit.inverse()):
        objects.apply(one)
        anew = ObjectMap(objects.labels)
        assert objects.new_ids(1) == [int(objects.labels.max()) + 1] == anew.new_ids(1)
        assert objects.ids() == anew.ids()
        assert [objects.box(i) for i in objects.ids()] == [anew.box(i) for i in anew.ids()]


def test_merged_objects_have_the_id_of_the_first_and_all_others_stay() -> None:
    scene = make_scene((40, 48), 8, 0)
    objects = scene.objects()
    first, second, *others = scene.ids

    objects.apply(merge(objects, [second, first]))

    assert np.array_equal(objects.labels == second, np.isin(scene.labels, [first, second]))
    for one in others:
        assert np.array_equal(objects.labels == one, scene.labels == one)


@settings(max_examples=40)
@given(scene=scenes(), data=st.data())
def test_the_parts_of_a_split_make_up_the_object_and_hold_their_seeds_and_nothing_else_changes(
    scene: Scene, data: st.DataObject
) -> None:
    objects = scene.objects()
    one = data.draw(st.sampled_from(scene.ids))
    seeds = [any_pixel(objects, one, data) for _ in range(3)]
    assume(len(set(map(tuple, seeds))) == 3)

    edit = split(objects, one, seeds, data.draw(st.sampled_from([scene.affinities, None])))
    parts = [one, *objects.new_ids(2)]
    objects.apply(edit)

    assert np.array_equal(np.isin(objects.labels, parts), scene.labels == one)
    assert np.array_equal(objects.labels[scene.labels != one], scene.labels[scene.labels != one])
    pieces = ndimage.label(scene.labels == one)[0]
    for part, seed in zip(parts, seeds, strict=True):
        assert objects.labels[tuple(seed)] == part
        # Within the piece of the object that holds its seed, a part is one piece.
        here = (objects.labels == part) & (pieces == pieces[tuple(seed)])
        n_seeds = sum(pieces[tuple(other)] == pieces[tuple(seed)] for other in seeds)
        assert ndimage.label(here)[1] == 1 or n_seeds == 1


def test_a_split_follows_the_border_that_the_affinities_see() -> None:
    truth = np.ones((40, 60), np.uint32)
    truth[:, 25:] = 2
    scene = make_scene((40, 60), 3, 0)
    affinities = np.ones_like(scene.affinities.values)
    for channel, offset in zip(affinities, scene.affinities.offsets, strict=True):
        there = np.roll(truth, [-o for o in offset], (0, 1))
        channel[truth != there] = 0
    objects = ObjectMap(np.ones_like(truth))

    seen = type(scene.affinities)(affinities, scene.affinities.offsets)
    edit = split(objects, 1, [[(3, 20), (30, 22)], (20, 55)], seen)
    objects.apply(edit)

    assert np.mean(objects.labels == truth) > 0.98


def test_without_affinities_an_hourglass_is_cut_at_its_neck() -> None:
    y, x = np.mgrid[:40, :80]
    is_object = ((y - 20) ** 2 + (x - 20) ** 2 < 300) | ((y - 20) ** 2 + (x - 56) ** 2 < 300)
    is_object |= (abs(y - 20) < 4) & (abs(x - 38) < 10)
    objects = ObjectMap(is_object.astype(np.uint8))

    objects.apply(split(objects, 1, [(12, 15), (25, 60)]))

    cut = np.argwhere((objects.labels[:, 1:] == 2) & (objects.labels[:, :-1] == 1))
    assert cut.size and np.all(abs(cut[:, 1] - 38) < 5)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([(5, 5)], "two"),
        ([(5, 5), (0, 0)], "seed 2 has no pixel"),
        ([(5, 5), (5, 5)], "seed 2 crosses"),
    ],
)
def test_seeds_that_do_not_fit_are_told_of(seeds: list, words: str) -> None:
    labels = np.zeros((10, 10), int)
    labels[2:8, 2:8] = 4
    with pytest.raises(InputError, match=words):
        split(ObjectMap(labels), 4, seeds)


def test_a_locked_object_is_named_with_the_remedy() -> None:
    objects = make_scene((40, 48), 8, 0).objects(locked=[1])
    two = objects.ids()[1]
    for refused in (
        lambda: merge(objects, [1, two]),
        lambda: merge(objects, [two, 1]),
        lambda: delete(objects, [1]),
        lambda: split(objects, 1, [(0, 0), (1, 1)]),
        lambda: smooth(objects, 1, 3),
    ):
        with pytest.raises(InputError, match="object 1 is locked: unlock it"):
            refused()


@settings(max_examples=25)
@given(scene=scenes(), data=st.data())
def test_each_level_of_a_growing_object_holds_the_last_and_no_other_object(
    scene: Scene, data: st.DataObject
) -> None:
    objects = scene.objects()
    position = any_pixel(objects, 0, data)
    try:
        growth = grow(objects, scene.basins, position)
    except InputError as error:
        assert "sees a border" in str(error)
        return
    seen = np.zeros(scene.labels.shape, bool)

    for level in range(growth.n_levels):
        after = scene.labels.copy()
        growth.edit(level).apply(after)
        is_new = after != scene.labels
        assert is_new[growth.position] and np.all(is_new[seen])
        assert np.all(scene.labels[is_new] == 0) and len(np.unique(after[is_new])) == 1
        seen = is_new


@pytest.mark.parametrize(("shape", "n_cells"), [((128, 128), 16), ((24, 48, 48), 10)])
def test_a_cell_that_is_not_labelled_grows_from_a_click_at_the_level_to_begin_with(
    shape: tuple, n_cells: int
) -> None:
    scene = make_scene(shape, n_cells, 1)
    whole = scene.labels
    found = []
    for one in scene.ids:
        pixels = np.argwhere(whole == one)
        if len(pixels) < 300:
            continue
        objects = ObjectMap(np.where(whole == one, 0, whole))
        middle = np.unravel_index(np.argmax(ndimage.distance_transform_edt(whole == one)), shape)
        growth = grow(objects, scene.basins, middle)
        objects.apply(growth.edit(growth.start_level))
        is_new = objects.labels == growth.objects.ids()[-1]
        found.append(np.sum(is_new & (whole == one)) / np.sum(is_new | (whole == one)))
    assert len(found) > 3 and np.median(found) > 0.85


def test_a_click_that_misses_an_object_by_little_grows_it_and_one_on_a_broad_border_is_refused() -> None:
    values = np.ones((2, 20, 40), np.float32)
    values[:, :, 10:30] = 0
    basins = Basins.from_affinities(AffinityMap(values, [(-1, 0), (0, -1)], (100, 0)))
    objects = ObjectMap(np.zeros((120, 40), np.uint8))

    objects.apply(grow(objects, basins, (110, 12)).edit(0))

    assert objects.box(1) == Tile((100, 0), (20, 10))
    with pytest.raises(InputError, match="sees a border"):
        grow(objects, basins, (110, 20))
    with pytest.raises(InputError, match="object 1 is at"):
        grow(objects, basins, (110, 3))
    with pytest.raises(InputError, match="do not hold"):
        grow(objects, basins, (50, 3))


def test_holes_are_filled_but_not_what_lies_in_them() -> None:
    labels = np.zeros((12, 12), np.uint16)
    labels[2:10, 2:10] = 3
    labels[4:8, 4:8] = 0
    labels[5, 5] = 7
    objects = ObjectMap(labels)

    objects.apply(fill_holes(objects, 3))

    assert np.sum(labels == 3) == 63 and labels[5, 5] == 7


def test_smoothing_takes_off_a_spike_and_an_object_too_thin_is_refused() -> None:
    labels = np.zeros((30, 30), np.uint8)
    labels[5:20, 5:20] = 1
    labels[12, 20:28] = 1
    labels[27, 2:28] = 2
    objects = ObjectMap(labels)

    objects.apply(smooth(objects, 1, 2))

    assert not labels[12, 24:28].any() and labels[12, 12] == 1
    with pytest.raises(InputError, match="object 2 is too thin"):
        smooth(objects, 2, 2)


def test_a_ball_painted_on_some_planes_is_filled_in_between() -> None:
    z, y, x = np.mgrid[:21, :40, :40]
    ball = ((z - 10) * 1.5) ** 2 + (y - 20) ** 2 + (x - 12 - 0.6 * z) ** 2 < 200
    painted = np.zeros(ball.shape, np.int32)
    for plane in (4, 10, 16):
        painted[plane] = 5 * ball[plane]
    painted[7, 20, 16] = 9
    objects = ObjectMap(painted)

    objects.apply(interpolate(objects, 5))

    inside = ball[4:17]
    filled = painted[4:17] == 5
    assert np.sum(inside & filled) / np.sum(inside | filled) > 0.85
    assert painted[7, 20, 16] == 9 and not painted[:4].any()


def test_an_outline_is_carried_on_to_the_next_plane_beside_other_objects() -> None:
    labels = np.zeros((3, 10, 10), np.uint8)
    labels[0, 2:6, 2:6] = 1
    labels[1, 4:8, 4:8] = 2
    objects = ObjectMap(labels)

    objects.apply(carry_on(objects, 1, 0))

    assert np.sum(labels[1] == 1) == 12 and np.sum(labels[1] == 2) == 16
    with pytest.raises(InputError, match="z -1"):
        carry_on(objects, 1, 0, -1)


def test_an_annotation_keeps_its_background_apart_from_what_is_not_painted() -> None:
    labels = np.ones((12, 12), np.uint32)
    labels[2:10, 2:10] = 2
    labels[4, 4] = 0
    objects = ObjectMap(labels, first_object=2)

    objects.apply(delete(objects, [2], background=1))

    assert objects.ids() == [] and labels[4, 4] == 0 and np.sum(labels == 1) == 143
    assert objects.new_ids(2) == [2, 3]


@pytest.mark.bench
def test_a_preview_takes_little_more_than_the_bare_watershed(request: pytest.FixtureRequest) -> None:
    """On a tile of 256² pixels and around an object of a volume; the best of five."""
    for shape, n_cells in (((256, 256), 30), ((48, 64, 64), 12)):
        scene = make_scene(shape, n_cells, 0)
        objects = ObjectMap(np.ones(shape, np.uint32))
        seeds = [[np.array(shape) // 4], [3 * np.array(shape) // 4]]
        markers = np.zeros(shape, np.int32)
        markers[tuple(seeds[0][0])], markers[tuple(seeds[1][0])] = 1, 2
        heights, mask = scene.affinities.boundary(), objects.labels == 1

        bare = quickest(lambda m=markers, h=heights, k=mask: watershed(h, m, mask=k))
        cut = quickest(lambda o=objects, s=seeds, a=scene.affinities: split(o, 1, s, a))
        free = ObjectMap(np.zeros(shape, np.uint32))
        basins = quickest(lambda a=scene.affinities: Basins.from_affinities(a))
        grown = quickest(lambda o=free, b=scene.basins: grow(o, b, any_basin(b)).edit(9))

        ratios = [round(one / bare, 2) for one in (cut, basins, grown)]
        print(f"{shape}: bare {bare:.3f} s; split, basins and grow {ratios} times that")
        if request.config.getoption("judge_time"):
            assert cut < 2 * bare and grown < 2 * bare


def any_basin(basins: Basins) -> list[int]:
    return np.argwhere(basins.regions)[len(basins.regions) // 2].tolist()


def quickest(call: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)
