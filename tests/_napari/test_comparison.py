from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.key_bindings import KeymapHandler

from napari_graft._napari.comparison import BLINK_KEY, ComparisonView, comparison_view_of
from napari_graft._napari.layers import details_of, our_layers
from napari_graft.core.tile import Tile
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, ModelOption

TILE = Tile((2, 10, 20), (1, 16, 24))
SCALE, TRANSLATE = (4.0, 0.5, 0.5), (1.0, 2.0, 3.0)


def make_comparison(n: int = 2) -> Comparison:
    segments = tuple(np.full(TILE.shape, m + 1, np.uint32) for m in range(n))
    return Comparison(
        tile=TILE,
        choices=tuple(ModelOption(f"run 000{m}", f"round {m}") for m in range(n)),
        image=np.random.default_rng(0).random(TILE.shape, np.float32),
        segments=segments,
        disagreement=np.ones(TILE.shape, np.float32) if n > 1 else None,
        differences=(),
        n_objects=(1,) * n,
        agreement=0.0 if n > 1 else None,
    )


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, 70, 80)), name="cortex", scale=SCALE, translate=TRANSLATE)
    viewer.add_labels(np.zeros((5, 70, 80), np.uint32), name="mine", scale=SCALE, translate=TRANSLATE)
    viewer.layers["mine"].visible = False
    return viewer


def boxes(viewer: ViewerModel) -> list[list[str]]:
    """Return what each box of the grid shows, by kind and model."""
    grid, layers = viewer.canvas.grid, viewer.layers
    return [
        sorted(named(layers[i]) for i in indices if layers[i].visible)
        for _, indices in grid.iter_viewboxes(layers)
        if indices
    ]


def named(layer: Layer) -> str:
    details = details_of(layer)
    return f"{details['kind']} {details['model']}"


def shown(viewer: ViewerModel) -> set[str]:
    return {named(layer) if details_of(layer) else layer.name for layer in viewer.layers if layer.visible}


def show(viewer: ViewerModel, comparison: Comparison, display: DisplayOptions) -> None:
    for _ in comparison_view_of(viewer).show(comparison, image_of(viewer), display):
        pass


def clear_away(view: ComparisonView) -> None:
    for _ in view.clear_away():
        pass


def close(view: ComparisonView) -> None:
    view.close()
    clear_away(view)


def image_of(viewer: ViewerModel) -> Image:
    return viewer.layers["cortex"]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_grid_has_a_box_for_each_model_and_one_for_the_map(viewer: ViewerModel, n: int) -> None:
    show(viewer, make_comparison(n), DisplayOptions())

    expected = [[f"image {m}", f"segments {m}"] for m in range(n)]
    assert boxes(viewer) == [*expected, [f"disagreement {n}", f"image {n}"]]


def test_grid_without_the_map_has_no_box_for_it(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions(shows_disagreement=False))
    assert len(boxes(viewer)) == 2

    view.apply(DisplayOptions())
    assert len(boxes(viewer)) == 3


def test_one_model_is_shown_without_a_map(viewer: ViewerModel) -> None:
    show(viewer, make_comparison(1), DisplayOptions())

    assert boxes(viewer) == [["image 0", "segments 0"]]


def test_layers_lie_where_the_tile_is(viewer: ViewerModel) -> None:
    show(viewer, make_comparison(), DisplayOptions())

    for layer in our_layers(viewer, "preview"):
        np.testing.assert_allclose(layer.data_to_world((0, 0, 0)), image_of(viewer).data_to_world(TILE.start))
        np.testing.assert_array_equal(layer.scale, SCALE)
        assert layer.units == image_of(viewer).units
    assert viewer.dims.point[0] == pytest.approx(image_of(viewer).data_to_world(TILE.start)[0])


def test_overlay_fills_the_one_in_front_and_outlines_the_others(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    view.apply(DisplayOptions(mode="overlay", front=1, opacity=0.3))

    assert not viewer.canvas.grid.enabled
    assert shown(viewer) == {"image 2", "disagreement 2", "segments 0", "segments 1"}
    look = {named(one): (one.contour > 0, one.opacity) for one in viewer.layers if named_is_segments(one)}
    assert look == {"segments 0": (True, 1.0), "segments 1": (False, 0.3)}


def named_is_segments(layer: Layer) -> bool:
    return details_of(layer).get("kind") == "segments"


def test_blinking_shows_one_at_a_time(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    for front in (0, 1):
        view.apply(DisplayOptions(mode="blink", front=front, shows_disagreement=False))
        assert shown(viewer) == {"image 2", f"segments {front}"}


def test_blink_key_works_whichever_layer_is_active_until_the_comparison_closes(viewer: ViewerModel) -> None:
    view, pressed = comparison_view_of(viewer), []
    handler = KeymapHandler()
    show(viewer, make_comparison(), DisplayOptions())
    view.answer_to_blink_key(lambda _: pressed.append(True))
    viewer.add_labels(np.zeros((5, 70, 80), np.uint32), name="added meanwhile")
    view.settle()
    for layer in viewer.layers:
        handler.keymap_providers = [layer, viewer]
        handler.press_key(BLINK_KEY)
    assert len(pressed) == len(viewer.layers)

    close(view)
    handler.keymap_providers = [viewer.layers["mine"], viewer]
    handler.press_key(BLINK_KEY)

    assert len(pressed) == 6 + 3


def test_key_that_the_user_bound_works_again_once_the_comparison_closes(viewer: ViewerModel) -> None:
    view, pressed = comparison_view_of(viewer), []
    mine, handler = viewer.layers["mine"], KeymapHandler()
    viewer.bind_key(BLINK_KEY, lambda _: pressed.append("viewer"))
    mine.bind_key(BLINK_KEY, lambda _: pressed.append("layer"))
    show(viewer, make_comparison(), DisplayOptions())
    for _ in range(2):
        view.answer_to_blink_key(lambda _: pressed.append("blink"))
    gone = viewer.add_points([[0, 0]])
    view.settle()
    viewer.layers.remove(gone)

    for providers in ([mine, viewer], [viewer]):
        handler.keymap_providers = providers
        handler.press_key(BLINK_KEY)
    close(view)
    for providers in ([mine, viewer], [viewer]):
        handler.keymap_providers = providers
        handler.press_key(BLINK_KEY)

    assert pressed == ["blink", "blink", "layer", "viewer"]


def test_look_can_change_after_all_layers_were_removed(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    viewer.layers.clear()

    view.apply(DisplayOptions(mode="blink"))

    assert list(viewer.layers) == []


def test_equal_ids_have_equal_colours(viewer: ViewerModel) -> None:
    show(viewer, make_comparison(), DisplayOptions())

    first, second = (one for one in viewer.layers if named_is_segments(one))
    for number in (1, 2, 60):
        np.testing.assert_array_equal(first.get_color(number), second.get_color(number))


def test_closing_puts_all_back(viewer: ViewerModel) -> None:
    view, closed = comparison_view_of(viewer), []
    view.closed.connect(lambda: closed.append(True))
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0.0, 12.0, 13.0), 3.0
    viewer.dims.set_point(0, 1.0)
    viewer.layers.selection.active = image_of(viewer)
    before = (list(viewer.layers), viewer.dims.point, viewer.scene.camera.center, viewer.scene.camera.zoom)
    show(viewer, make_comparison(), DisplayOptions())
    assert shown(viewer).isdisjoint({"cortex", "mine"})

    close(view)
    close(view)

    assert (
        list(viewer.layers),
        viewer.dims.point,
        viewer.scene.camera.center,
        viewer.scene.camera.zoom,
    ) == before
    assert shown(viewer) == {"cortex"}
    assert (viewer.canvas.grid.enabled, viewer.canvas.grid.stride) == (False, 1)
    assert viewer.layers.selection.active is image_of(viewer)
    assert closed == [True]


def test_second_comparison_takes_the_place_of_the_first(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(4), DisplayOptions())
    show(viewer, make_comparison(2), DisplayOptions())
    assert len(boxes(viewer)) == 3

    close(view)
    assert shown(viewer) == {"cortex"}


def test_removing_one_of_its_layers_closes_it(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    view.disturbed.connect(lambda: disturbed.append(True))
    disturbed: list[bool] = []
    show(viewer, make_comparison(), DisplayOptions())
    assert not disturbed
    viewer.layers.remove(next(our_layers(viewer, "preview")))
    assert disturbed

    view.settle()
    assert shown(viewer) == {"cortex"}
    clear_away(view)

    assert len(viewer.layers) == 2


def test_all_layers_can_be_removed_meanwhile(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    viewer.layers.clear()
    view.settle()

    assert list(viewer.layers) == []
    assert view.comparison is None


def test_layer_that_others_add_meanwhile_waits_below(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    expected = boxes(viewer)
    result = viewer.add_labels(np.zeros((5, 70, 80), np.uint32), name="cortex · round 3")
    view.settle()
    assert boxes(viewer) == expected
    assert not result.visible

    close(view)

    assert shown(viewer) == {"cortex", "cortex · round 3"}


def test_renamed_layers_are_known_all_the_same(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    show(viewer, make_comparison(), DisplayOptions())
    for i, layer in enumerate(our_layers(viewer, "preview")):
        layer.name = f"renamed {i}"
    view.apply(DisplayOptions(mode="blink", front=1))
    close(view)

    assert [layer.name for layer in viewer.layers] == ["cortex", "mine"]


def test_comparison_is_closed_between_two_steps(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    steps = view.show(make_comparison(), image_of(viewer), DisplayOptions())
    for _ in range(4):
        next(steps)
    assert len(list(our_layers(viewer, "preview"))) == 4
    assert not view.is_whole
    close(view)

    assert list(steps) == []
    clear_away(view)
    assert [layer.name for layer in viewer.layers] == ["cortex", "mine"]
    assert shown(viewer) == {"cortex"}


def test_second_comparison_takes_the_place_of_one_that_is_not_whole(viewer: ViewerModel) -> None:
    first = comparison_view_of(viewer).show(make_comparison(4), image_of(viewer), DisplayOptions())
    for _ in range(5):
        next(first)
    show(viewer, make_comparison(2), DisplayOptions())

    assert list(first) == []
    assert len(boxes(viewer)) == 3


def test_removing_a_layer_closes_a_comparison_that_is_not_whole(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    steps = view.show(make_comparison(), image_of(viewer), DisplayOptions())
    for _ in range(3):
        next(steps)
    view.settle()
    assert view.comparison is not None
    viewer.layers.remove(next(our_layers(viewer, "preview")))
    view.settle()

    assert list(steps) == []
    clear_away(view)
    assert [layer.name for layer in viewer.layers] == ["cortex", "mine"]


def test_look_that_changes_between_two_steps_is_the_one_in_the_end(viewer: ViewerModel) -> None:
    view = comparison_view_of(viewer)
    steps = view.show(make_comparison(), image_of(viewer), DisplayOptions())
    for _ in range(8):
        next(steps)
    view.apply(DisplayOptions(mode="blink", front=1, shows_disagreement=False))
    list(steps)

    assert shown(viewer) == {"image 2", "segments 1"}
    assert not viewer.canvas.grid.enabled


def test_layers_that_others_add_become_active_as_ever(viewer: ViewerModel) -> None:
    show(viewer, make_comparison(), DisplayOptions())
    added = viewer.add_labels(np.zeros((5, 70, 80), np.uint32), name="added meanwhile")

    assert viewer.layers.selection.active is added
