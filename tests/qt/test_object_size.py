"""How wide objects are, in the tab Data: the field, its words, and the circle that is dragged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from data_dock import data_tab, some_image, start_project, type_in
from napari.layers import Shapes
from qtpy.QtCore import Qt

from conftest import MakeDock
from napari_graft._napari.layers import find_layer
from napari_graft._qt.measuring.person import Person, look_on
from napari_graft.core.tile import Tile
from napari_graft.sources.network_spec import ModelSpec

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock


def _circle(dock: GraftDock) -> Shapes | None:
    layer = find_layer(dock.viewer, "tiles", kind="objects")
    return layer if isinstance(layer, Shapes) else None


def _width(layer: Shapes | None) -> float:
    assert layer is not None
    corners = layer.data[0]
    height, width = corners.max(axis=0) - corners.min(axis=0)
    assert height == pytest.approx(width)
    return float(width)


def _drag(dock: GraftDock, start: tuple[float, float], to: tuple[float, float]) -> None:
    layer = _circle(dock)
    assert layer is not None
    middle = ((start[0] + to[0]) / 2, (start[1] + to[1]) / 2)
    Person(dock.viewer).stroke(layer, [start, middle, to], pause=0.05)


def test_width_is_typed_with_its_length_beside_it_and_reaches_the_project(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(200, 300), scale=(0.5, 0.5), units=("um", "um"))
    box = data_tab(dock).objects
    assert box.words.text() == "Not known: sources that need it will find it."

    type_in(box.field, "4o")
    assert "'4o' is no width" in box.words.text()
    type_in(box.field, "40")
    assert box.words.text() == "20 µm · as you said"
    start_project(dock, qtbot, tmp_path / "one.graft")
    project = dock.workbench.context.require_project()
    assert project.manifest.object_diameter == 40

    type_in(box.field, "")
    assert project.manifest.object_diameter is None
    assert (box.field.text(), box.field.placeholderText()) == ("", "?")


def test_field_is_fixed_with_the_reason_and_shows_what_a_round_was_trained_with(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(70, 80))
    start_project(dock, qtbot, tmp_path / "one.graft")
    box, context = data_tab(dock).objects, dock.workbench.context
    project = context.require_project()
    project.runs.start("scratch", ModelSpec(object_diameter=20), 1, object_diameter=33.0)
    context.runs_changed.emit()

    assert not box.field.isEnabled()
    assert box.field.placeholderText() == "33"
    assert "Fixed: round 1 was trained" in box.words.text()


def test_circle_is_pulled_wider_and_moved_with_the_mouse_and_only_pulling_sets_the_width(
    make_dock: MakeDock, qtbot: QtBot
) -> None:
    dock = make_dock(show=True)
    image = dock.viewer.add_image(some_image(3, 200, 300), scale=(4, 0.5, 0.5), translate=(0, 7, 7))
    look_on(0.3)
    box, state = data_tab(dock).objects, dock.workbench.data.state
    type_in(box.field, "40")
    qtbot.mouseClick(box.circle, Qt.MouseButton.LeftButton, pos=box.circle.rect().center() / 8)
    assert state.circle is not None
    assert dock.viewer.layers.selection.active is image
    assert _width(_circle(dock)) == 40
    y, x = state.circle.centre
    camera = tuple(dock.viewer.camera.center)

    _drag(dock, (y, x + 20), (y, x + 35))
    assert float(box.field.text()) == pytest.approx(70, abs=2)
    assert _width(_circle(dock)) == state.object_diameter
    _drag(dock, (y, x), (y + 20, x - 30))
    assert state.circle.centre == pytest.approx((y + 20, x - 30), abs=1.5)
    assert _width(_circle(dock)) == state.object_diameter
    assert tuple(dock.viewer.camera.center) == camera

    _drag(dock, (y - 60, x + 60), (y - 60, x + 30))  # beside it the image is moved as ever
    assert tuple(dock.viewer.camera.center) != camera
    assert state.object_diameter == pytest.approx(70, abs=2)


def test_circle_is_seen_in_every_slice_and_leaves_with_the_tab_the_layer_and_the_check(
    dock: GraftDock, qtbot: QtBot
) -> None:
    dock.viewer.add_image(some_image(5, 200, 300))
    box = data_tab(dock).objects
    for leave in (
        lambda: box.circle.setChecked(False),
        lambda: setattr(dock.workbench.state, "tab", "sources"),
        lambda: dock.viewer.layers.remove(_circle(dock)),
        lambda: setattr(dock.workbench.annotating.state, "current", Tile((0, 0, 0), (1, 64, 64))),
        dock.viewer.layers.clear,
    ):
        box.circle.setChecked(True)
        layer = _circle(dock)
        assert layer is not None
        assert layer.ndim == 2
        leave()
        assert _circle(dock) is None
        assert not box.circle.isChecked()
        assert dock.workbench.data.state.circle is None
        assert box.hint.isHidden()
        dock.workbench.state.tab = "data"


def test_circle_is_not_dragged_while_a_layer_is_painted_on(make_dock: MakeDock) -> None:
    dock = make_dock(show=True)
    image = dock.viewer.add_image(some_image(200, 300))
    look_on(0.3)
    box, state = data_tab(dock).objects, dock.workbench.data.state
    box.circle.setChecked(True)
    labels = dock.viewer.add_labels(some_image(200, 300) * 0)
    labels.mode = "paint"
    before = state.circle
    assert before is not None

    _drag(dock, before.centre, (before.centre[0], before.centre[1] + 30))

    assert state.circle == before
    assert labels.data.any()
    dock.viewer.layers.selection.active = image
    _drag(dock, before.centre, (before.centre[0], before.centre[1] + 30))
    assert state.circle != before
