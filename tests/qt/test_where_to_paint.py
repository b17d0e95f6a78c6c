"""Painting where the open tile is not: refused in words, without a traceback and without a pixel."""

# ruff: noqa: F811 - fixtures of another file
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt

sys.path.insert(0, str(Path(__file__).parent))

from test_annotate_tab import FIRST, SIDE, Painter, painter, stack_painter  # noqa: F401

from napari_graft.core.tile import Tile

IN_THE_STACK = Tile((4, 32, 64), (1, SIDE, SIDE))


def assert_refused(painter: Painter, words: str, before: np.ndarray) -> None:
    np.testing.assert_array_equal(painter.labels.data, before)
    assert painter.tab.message.isVisibleTo(painter.tab)
    assert words in painter.tab.message.text()


def test_neighbour_slices_are_looked_at_and_not_painted(stack_painter: Painter) -> None:
    painter = stack_painter
    painter.press("e")
    painter.wait_for(IN_THE_STACK)
    painter.stroke((20, 20), (20, 44))
    before, label = painter.labels.data.copy(), painter.labels.selected_label
    for z, tool in [(5, "paint"), (3, "paint"), (3, "erase"), (5, "fill"), (3, "polygon"), (5, "pick")]:
        painter.labels.mode = tool
        painter.viewer.dims.set_point(0, 40.0 * z)
        painter.stroke((30, 20), (30, 44))
        assert_refused(painter, "another slice", before)
        painter.labels.mode = tool  # as by its key
        painter.stroke((40, 20), (40, 44))
        assert_refused(painter, "another slice", before)
        assert painter.labels.selected_label == label
        painter.viewer.dims.set_point(0, 40.0 * 4)
        assert painter.labels.mode == tool


def test_the_tile_is_painted_again_once_it_is_clicked_in_the_list(stack_painter: Painter) -> None:
    painter = stack_painter
    painter.press("e")
    painter.wait_for(IN_THE_STACK)
    painter.viewer.dims.set_point(0, 40.0 * 2)
    assert painter.labels.mode == "pan_zoom"
    place = painter.tab.list.visualRect(painter.tab.list.tiles.index(0)).center()
    painter.qtbot.mouseClick(painter.tab.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    painter.settle()
    assert painter.viewer.dims.current_step[0] == 4
    assert painter.labels.mode == "paint"
    painter.stroke((30, 20), (30, 44))
    assert painter.labels.data[0, 30, 20:44].min() == 2


def test_in_3d_and_from_the_side_nothing_is_painted(stack_painter: Painter) -> None:
    painter = stack_painter
    painter.press("e")
    painter.wait_for(IN_THE_STACK)
    before = painter.labels.data.copy()
    painter.viewer.dims.ndisplay = 3
    painter.stroke((30, 20), (30, 44))
    assert_refused(painter, "in 3-D", before)
    painter.viewer.dims.ndisplay = 2
    painter.viewer.dims.order = (1, 0, 2)
    painter.stroke((30, 20), (30, 44))
    assert_refused(painter, "another side", before)
    painter.viewer.dims.order = (0, 2, 1)  # only turned
    assert painter.labels.mode == "paint"


def test_more_axes_than_those_of_the_tile_do_no_harm(stack_painter: Painter) -> None:
    painter = stack_painter
    painter.press("e")
    painter.wait_for(IN_THE_STACK)
    active = painter.labels
    painter.viewer.add_image(np.zeros((3, 6, 128, 160)), scale=(1, 40, 4, 4))
    painter.viewer.layers.selection.active = active
    painter.viewer.dims.set_point(0, 2.0)
    painter.viewer.dims.set_point(1, 40.0 * 4)
    assert painter.labels.mode == "paint"
    before = painter.labels.data.copy()
    painter.viewer.dims.set_point(1, 40.0 * 3)
    painter.stroke((30, 20), (30, 44))
    assert_refused(painter, "another slice", before)


def test_a_stroke_outside_the_tile_is_refused_and_one_that_enters_it_is_not(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    before = painter.labels.data.copy()
    painter.stroke((30, SIDE + 20), (40, SIDE + 20))
    assert_refused(painter, "outside the tile", before)
    painter.stroke((30, SIDE + 20), (30, SIDE - 10))
    assert np.count_nonzero(painter.labels.data) > 0


def test_what_is_refused_is_said_in_the_strip_while_another_tab_is_open(stack_painter: Painter) -> None:
    painter = stack_painter
    painter.press("e")
    painter.wait_for(IN_THE_STACK)
    painter.dock.workbench.state.tab = "train"
    painter.viewer.dims.set_point(0, 40.0 * 5)
    painter.stroke((30, 20), (30, 44))
    assert "another slice" in painter.dock.strip.error.message
