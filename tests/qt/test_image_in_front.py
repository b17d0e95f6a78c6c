"""Several images open: a tile is painted on that of the project alone; the others come back as they were."""

# ruff: noqa: F811 - fixtures of another file
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

sys.path.insert(0, str(Path(__file__).parent))

from test_annotate_tab import FIRST, Painter, painter, stack_painter  # noqa: F401

from napari_graft._napari.comparison import comparison_view_of
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, ModelOption

Seen = dict[str, tuple[bool, float]]


def images_seen(painter: Painter) -> Seen:
    names = ("image", "image [copy]", "other", "hidden", "rgb")
    layers = [layer for layer in painter.viewer.layers if layer.name in names]
    return {layer.name: (layer.visible, layer.opacity) for layer in layers}


@pytest.fixture
def among_others(painter: Painter) -> tuple[Painter, Seen]:
    """Return a painter whose project's image lies below others, and is hidden; and how all were seen."""
    layers = painter.viewer.layers
    image = layers["image"]
    copy = Image(image.data, name="image [copy]", metadata=dict(image.metadata), scale=image.scale)
    layers.append(copy)
    painter.viewer.add_image(np.ones((300, 200)), name="other", scale=(9, 3), translate=(5, 5), opacity=0.7)
    painter.viewer.add_image(np.ones((30, 20)), name="hidden", visible=False, opacity=0.3)
    painter.viewer.add_image(np.zeros((99, 99, 3), np.uint8), name="rgb", rgb=True)
    image.visible = False
    return painter, images_seen(painter)


def visible(painter: Painter) -> list[str]:
    return [name for name, (is_visible, _) in images_seen(painter).items() if is_visible]


def wait_until_alone(painter: Painter) -> None:
    painter.qtbot.waitUntil(lambda: visible(painter) == ["image"], timeout=60_000)


def test_only_the_image_of_the_project_is_seen_while_a_tile_is_painted(
    among_others: tuple[Painter, Seen],
) -> None:
    painter, before = among_others
    painter.press("e")
    painter.wait_for(FIRST)
    wait_until_alone(painter)

    assert "Hidden while you paint" in painter.tab.message.text()
    assert "'other'" in painter.tab.message.text()
    painter.stroke((20, 20), (20, 44))
    assert painter.labels.data[20, 30] >= 2
    painter.press("e")
    painter.settle()
    assert visible(painter) == ["image"]
    painter.dock.workbench.context.close_project()
    painter.qtbot.waitUntil(lambda: images_seen(painter) == before, timeout=60_000)


def test_other_images_are_seen_in_tabs_where_nobody_paints(among_others: tuple[Painter, Seen]) -> None:
    painter, before = among_others
    painter.press("e")
    painter.wait_for(FIRST)
    wait_until_alone(painter)

    painter.dock.workbench.state.tab = "data"
    assert images_seen(painter) == before
    painter.dock.workbench.state.tab = "annotate"
    wait_until_alone(painter)


def test_to_select_another_image_is_told_and_the_tile_is_a_click_away(
    among_others: tuple[Painter, Seen],
) -> None:
    painter, _ = among_others
    painter.press("e")
    painter.wait_for(FIRST)
    wait_until_alone(painter)
    layers = painter.viewer.layers

    layers.selection.active = layers["other"]
    assert "'other' is selected" in painter.tab.message.text()
    layers["other"].visible = True
    assert "'other' is shown" in painter.tab.message.text()
    assert visible(painter) == ["image", "other"]
    layers.selection.active = painter.labels

    wait_until_alone(painter)
    layers["other"].visible = True
    painter.dock.workbench.context.close_project()
    painter.qtbot.waitUntil(lambda: not layers["image"].visible, timeout=60_000)
    assert layers["other"].visible


def test_image_that_comes_or_goes_while_a_tile_is_painted_does_no_harm(
    among_others: tuple[Painter, Seen],
) -> None:
    painter, before = among_others
    painter.press("e")
    painter.wait_for(FIRST)
    wait_until_alone(painter)
    layers = painter.viewer.layers
    layers.remove("other")
    painter.viewer.add_image(np.ones((30, 20)), name="rgb")
    assert "is selected" in painter.tab.message.text()
    layers.selection.active = painter.labels
    wait_until_alone(painter)

    painter.dock.workbench.context.close_project()

    del before["other"]
    before["rgb [1]"] = (True, 1.0)
    painter.qtbot.waitUntil(lambda: before.items() >= images_seen(painter).items(), timeout=60_000)


def test_other_images_come_back_after_a_comparison_during_which_the_project_was_closed(
    among_others: tuple[Painter, Seen],
) -> None:
    painter, before = among_others
    painter.press("e")
    painter.wait_for(FIRST)
    wait_until_alone(painter)
    view, image = comparison_view_of(painter.viewer), painter.viewer.layers["image"]
    segments = np.ones(FIRST.shape, np.uint32)
    choices = (ModelOption("a", "A"), ModelOption("b", "B"))
    grey = np.ones(FIRST.shape, np.float32)
    comparison = Comparison(FIRST, choices, grey, (segments, segments), None, (), (1, 1), None)
    for _ in view.show(comparison, image, DisplayOptions()):
        pass
    painter.tab.canvas.in_front._settle()
    assert visible(painter) == []

    painter.dock.workbench.context.close_project()
    painter.settle()
    view.close()

    painter.qtbot.waitUntil(lambda: images_seen(painter) == before, timeout=60_000)


@pytest.mark.parametrize("kind", ["labels", "shapes", "points"])
def test_layers_of_the_user_never_cover_the_tile_and_come_back(painter: Painter, kind: str) -> None:
    viewer, size = painter.viewer, (9, 9)
    scale = viewer.layers["image"].scale
    add = {
        "labels": lambda name: viewer.add_labels(np.full((256, 256), 3), name=name, scale=scale),
        "shapes": lambda name: viewer.add_shapes([np.array([[0, 0], size])], name=name, scale=scale),
        "points": lambda name: viewer.add_points([size], name=name, scale=scale),
    }[kind]
    before, hidden = add("before"), add("hidden")
    hidden.visible = False
    painter.press("e")
    painter.wait_for(FIRST)
    painter.qtbot.waitUntil(lambda: not before.visible, timeout=60_000)
    assert "'before'" in painter.tab.message.text()
    assert painter.labels.visible

    later = add("later")
    assert "'later' is selected" in painter.tab.message.text()
    viewer.layers.selection.active = painter.labels
    painter.qtbot.waitUntil(lambda: not later.visible, timeout=60_000)
    layers = viewer.layers
    assert layers.index(painter.labels) > max(layers.index(one) for one in (before, hidden, later))
    later.visible = True
    assert "'later' is shown beside the tile" in painter.tab.message.text()
    painter.stroke((20, 20), (20, 44))
    assert painter.labels.data[20, 30] >= 2

    painter.dock.workbench.context.close_project()
    painter.qtbot.waitUntil(lambda: before.visible, timeout=60_000)
    assert (later.visible, hidden.visible) == (True, False)
    assert [layer.name for layer in layers][-3:] == ["before", "hidden", "later"]
