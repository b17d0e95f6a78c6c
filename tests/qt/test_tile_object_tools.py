"""The object tools on a tile in a real window: by keys, clicks and drags, undone with the strokes."""
# ruff: noqa: F811 - fixtures of another file

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from test_annotate_tab import FIRST, SOURCE, Painter, painter  # noqa: F401
from test_strokes import keep_guess, segments

from napari_graft._napari.layers import find_layer
from napari_graft.core.labels import BACKGROUND, to_annotation

SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
NONE = Qt.MouseButton.NoButton


def begin(painter: Painter) -> None:
    keep_guess(painter.folder)
    painter.dock.workbench.sources.choose(SOURCE)
    painter.settle()
    painter.click(painter.tab.next)
    painter.wait_for(FIRST)
    painter.settle()


def click_at(
    painter: Painter, pixel: tuple[int, int], button: Qt.MouseButton = Qt.MouseButton.LeftButton
) -> None:
    painter._move(pixel, NONE)
    painter.qtbot.mouseClick(painter.native, button, pos=painter.place(*pixel))
    painter.settle()


def test_objects_of_the_guess_are_corrected_by_keys_and_clicks_and_undone_with_strokes(
    painter: Painter,
) -> None:
    begin(painter)
    guess = to_annotation(segments())
    painter.stroke((34, 6), (34, 9))
    stroked = painter.labels.data.copy()
    assert (stroked == 18).any()

    painter.press("a", SHIFT)
    assert painter.tab.objects.buttons["merge"].isChecked()
    assert painter.labels.mode == "pan_zoom"
    assert not painter.viewer.camera.mouse_pan
    painter.stroke((8, 8), (8, 24))  # a drag across their border
    assert painter.labels.data[8, 24] == 2
    click_at(painter, (24, 8))
    click_at(painter, (24, 24))
    assert painter.labels.data[24, 24] == painter.labels.data[24, 8] == 6

    painter.press("d", SHIFT)
    click_at(painter, (8, 40))
    assert painter.labels.data[8, 40] == BACKGROUND
    painter._move((8, 56), NONE)
    painter.press("d", SHIFT)  # the key of the tool in hand is a click
    assert painter.labels.data[8, 56] == BACKGROUND
    painter.tab.canvas.note()
    np.testing.assert_array_equal(painter.model.open_tile.labels, painter.labels.data)

    for _ in range(4):
        painter.press("z", CONTROL)
    np.testing.assert_array_equal(painter.labels.data, stroked)
    painter.press("z", CONTROL)
    np.testing.assert_array_equal(painter.labels.data, guess)
    painter.press("z", CONTROL | SHIFT)
    np.testing.assert_array_equal(painter.labels.data, stroked)

    painter.press("2")  # napari's brush
    assert painter.dock.workbench.tile_click_tools.state.tool is None
    assert not painter.tab.objects.buttons["delete"].isChecked()
    painter.stroke((50, 6), (50, 9))
    assert painter.labels.data[50, 8] == 18


def test_a_cut_is_shown_before_enter_does_it_and_escape_gives_the_brush_back(painter: Painter) -> None:
    begin(painter)
    painter.press("s", SHIFT)
    click_at(painter, (8, 3))
    click_at(painter, (8, 13))
    shown = find_layer(painter.viewer, "tool", is_tile=True)
    assert shown is not None and shown.visible
    assert set(np.unique(shown.data)) == {1, 2}
    painter.qtbot.keyClick(painter.native, Qt.Key.Key_Return)
    assert painter.labels.data[8, 13] != painter.labels.data[8, 3] == 2
    assert not shown.visible

    click_at(painter, (8, 24))
    painter.qtbot.keyClick(painter.native, Qt.Key.Key_Escape)
    assert painter.dock.workbench.tile_click_tools.state.tool == "split"
    assert not painter.dock.workbench.tile_click_tools.state.points
    painter.qtbot.keyClick(painter.native, Qt.Key.Key_Escape)
    assert painter.dock.workbench.tile_click_tools.state.tool is None
    assert painter.labels.mode == "paint"


def test_another_tab_puts_the_tool_down(painter: Painter) -> None:
    begin(painter)
    painter.click(painter.tab.objects.buttons["smooth"])
    assert painter.dock.workbench.tile_click_tools.state.tool == "smooth"
    painter.dock.workbench.state.tab = "train"
    assert painter.dock.workbench.tile_click_tools.state.tool is None
    assert painter.labels.mode == "paint"
