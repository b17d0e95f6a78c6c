from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels, Shapes
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from desk import SIDE, SOURCE, make_small_project

from call_count import calls_of
from napari_graft._napari.images import mark_image
from napari_graft._napari.layers import find_layer, our_layers
from napari_graft._qt.annotate.tab import AnnotateTab
from napari_graft.core.labels import BACKGROUND, to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.project.tile_queue import QueuedTile, TileQueue
from napari_graft.session.projects.creation import ImageOptions, make_project

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock
    from promises import Promised

PATIENCE = 60_000
FIRST, SECOND, THIRD = (Tile(start, (SIDE, SIDE)) for start in ((0, 0), (64, 64), (128, 0)))
MakeDock = Callable[..., "GraftDock"]


class Painter:
    """Work in the tab Annotate by clicks, keys and strokes of the mouse."""

    def __init__(self, dock: GraftDock, qtbot: QtBot, folder: Path) -> None:
        self.dock, self.qtbot, self.folder, self.viewer = dock, qtbot, folder, dock.viewer
        self.model = dock.workbench.annotating
        self.tab = dock.findChild(AnnotateTab)
        self.native = dock.viewer.window._qt_viewer.canvas.native
        dock.workbench.state.tab = "annotate"
        dock.workbench.data.state.tile_side = SIDE

    def open_project(self) -> None:
        context = self.dock.workbench.context
        assert context.closing.wait(PATIENCE / 1000)
        project = open_project(self.folder, write=True)
        if not self.viewer.layers:
            scale = project.manifest.pixel_size
            image = self.viewer.add_image(project.volume.data[:], name="image", scale=scale, units="nm")
            mark_image(image, self.folder)
        context.take(project)
        self.settle()

    def settle(self) -> None:
        jobs = self.dock.workbench.context.jobs
        self.qtbot.waitUntil(lambda: not jobs.active and self.tab.canvas.is_at_rest, timeout=PATIENCE)

    @property
    def labels(self) -> Labels:
        layer = find_layer(self.viewer, "labels", is_tile=True)
        assert isinstance(layer, Labels)
        return layer

    def wait_for(self, tile: Tile) -> None:
        self.qtbot.waitUntil(
            lambda: (now := self.model.state.painting) is not None and now.tile == tile, timeout=PATIENCE
        )
        self.qtbot.waitUntil(lambda: self.tab.canvas.is_at_rest, timeout=PATIENCE)

    def click(self, widget: object) -> None:
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)

    def press(self, key: str, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.native, key.lower(), modifier)

    def place(self, row: float, column: float) -> QPoint:
        """Return where a pixel of the open tile is on the canvas."""
        inside = (0,) * (self.labels.ndim - 2) + (row, column)
        world = np.array(self.labels.data_to_world(inside))[-2:]
        height, width = self.viewer.canvas.size
        offset = (world - np.array(self.viewer.camera.center[-2:])) * self.viewer.camera.zoom
        return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))

    def stroke(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse from one pixel of the open tile to another."""
        self._move(start, Qt.MouseButton.NoButton)
        QTest.mousePress(self.native, Qt.MouseButton.LeftButton, pos=self.place(*start))
        for share in np.linspace(0, 1, 6)[1:]:
            place = np.array(start) * (1 - share) + np.array(end) * share
            self._move((float(place[0]), float(place[1])), Qt.MouseButton.LeftButton)
        QTest.mouseRelease(self.native, Qt.MouseButton.LeftButton, pos=self.place(*end))

    def _move(self, pixel: tuple[float, float], held: Qt.MouseButton) -> None:
        # QTest moves the mouse without its buttons.
        at = QPointF(self.place(*pixel))
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            at,
            QPointF(self.native.mapToGlobal(at.toPoint())),
            Qt.MouseButton.NoButton,
            held,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.native, event)
        self.qtbot.wait(20)  # vispy drops a move that follows another within 10 ms

    def draft(self, tile: Tile) -> np.ndarray | None:
        with open_project(self.folder) as project:
            return project.draft(tile).restore()


@pytest.fixture
def painter(make_dock: MakeDock, qtbot: QtBot, tmp_path: Path) -> Painter:
    painter = Painter(make_dock(show=True), qtbot, make_small_project(tmp_path))
    painter.open_project()
    return painter


@pytest.fixture
def stack_painter(make_dock: MakeDock, qtbot: QtBot, tmp_path: Path) -> Painter:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 128, 160), np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", pixels)
    options = ImageOptions(str(tmp_path / "stack.tif"), axes="zyx", pixel_size=(40.0, 4.0, 4.0))
    with make_project(tmp_path / "stack.graft", options) as project:
        tiles = [QueuedTile(start=(z, 32, 64), shape=(1, SIDE, SIDE), reason="test") for z in (4, 1)]
        project.store_queue(TileQueue(tiles=tuple(tiles)))
    painter = Painter(make_dock(show=True), qtbot, tmp_path / "stack.graft")
    painter.open_project()
    return painter


def test_next_shows_the_tile_on_two_thirds_of_the_canvas_ready_to_paint(painter: Painter) -> None:
    assert painter.tab.painted.text() == "Tiles painted: 0 of"
    painter.click(painter.tab.next)
    painter.wait_for(FIRST)

    corners = painter.place(-0.5, -0.5), painter.place(SIDE - 0.5, SIDE - 0.5)
    height, width = painter.viewer.canvas.size
    assert (corners[1].y() - corners[0].y()) / min(height, width) == pytest.approx(2 / 3, abs=0.02)
    assert (corners[0].x() + corners[1].x()) / 2 == pytest.approx(width / 2, abs=2)
    assert painter.viewer.layers.selection.active is painter.labels
    assert painter.labels.mode == "paint"
    assert painter.labels.selected_label == 2
    assert painter.labels.name == "image · labels"
    colour = painter.labels.get_color  # unlabelled has none, background one of its own
    assert colour(0) is None or colour(0)[3] == 0
    assert 0 < colour(BACKGROUND)[3] < 1
    assert all(colour(label)[3] == 1 for label in range(2, 1000))
    painter.press("a")
    assert painter.labels.selected_label == BACKGROUND


def test_tile_of_a_stack_is_shown_in_its_slice(stack_painter: Painter) -> None:
    stack_painter.press("e")
    stack_painter.wait_for(Tile((4, 32, 64), (1, SIDE, SIDE)))
    assert stack_painter.viewer.dims.current_step[0] == 4

    stack_painter.stroke((20, 20), (20, 44))
    assert stack_painter.labels.data[0, 20, 20:44].min() == 2
    assert np.count_nonzero(stack_painter.labels.data) < SIDE * SIDE / 4

    stack_painter.press("e")
    stack_painter.wait_for(Tile((1, 32, 64), (1, SIDE, SIDE)))
    assert stack_painter.viewer.dims.current_step[0] == 1
    assert not stack_painter.labels.data.any()


def test_stroke_of_the_mouse_is_kept_at_once_and_comes_back_after_reopening(
    painter: Painter, promised: Promised
) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painted = painter.labels.data.copy()
    assert painted[20, 20:44].min() == 2

    with promised(2):
        painter.qtbot.waitUntil(lambda: painter.draft(FIRST) is not None, timeout=PATIENCE)
    painter.press("n")
    assert painter.labels.selected_label == 3
    painter.stroke((50, 20), (50, 44))
    painted = painter.labels.data.copy()
    painter.dock.workbench.context.close_project()  # before anybody looked at the second stroke

    assert not list(our_layers(painter.viewer, "labels"))
    assert not list(our_layers(painter.viewer, "tiles"))
    painter.open_project()
    painter.wait_for(FIRST)  # it is opened again as it was left
    np.testing.assert_array_equal(painter.labels.data, painted)


def test_undo_is_kept_as_well_and_does_not_reach_into_the_tile_before(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painter.qtbot.waitUntil(lambda: painter.draft(FIRST) is not None, timeout=PATIENCE)

    painter.press("z", Qt.KeyboardModifier.ControlModifier)
    assert not painter.labels.data.any()
    painter.qtbot.waitUntil(lambda: not painter.draft(FIRST).any(), timeout=PATIENCE)

    painter.stroke((20, 20), (20, 44))
    painter.press("e")
    painter.wait_for(SECOND)
    painter.press("z", Qt.KeyboardModifier.ControlModifier)
    assert not painter.labels.data.any()
    assert painter.draft(FIRST).any()


def test_keys_work_whichever_layer_is_active_and_are_given_back(painter: Painter) -> None:
    viewer = painter.viewer
    own = viewer.add_shapes(name="mine")
    for active in (viewer.layers["image"], own, None):
        viewer.layers.selection.active = active
        before = painter.model.state.current
        painter.press("e")
        painter.qtbot.waitUntil(lambda before=before: painter.model.state.current != before, timeout=60_000)
        painter.settle()
    assert own.mode != "add_ellipse"

    painter.dock.workbench.context.close_project()
    painter.qtbot.waitUntil(lambda: own.visible)  # what was hidden while a tile was painted comes back
    viewer.layers.selection.active = own
    painter.press("e")
    assert own.mode == "add_ellipse"


def test_done_asks_about_forgotten_pixels_then_saves_ticks_and_goes_on(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painter.press("d")
    assert "pixels are not labelled yet" in painter.tab.forgotten.text()
    assert painter.tab.question.isVisible()

    painter.click(painter.tab.fill)
    painter.wait_for(SECOND)

    assert painter.tab.painted.text() == "Tiles painted: 1 of"
    assert painter.tab.progress.value() == 1
    assert painter.tab.message.text() == "Saved."
    assert not painter.tab.question.isVisible()
    boxes = find_layer(painter.viewer, "tiles", kind="queue")
    assert isinstance(boxes, Shapes)
    assert sorted(word for word in boxes.text.values if word) == ["1 ✓", "2", "3"]
    with open_project(painter.folder) as project:
        stored = project.annotations.read(FIRST)
    assert set(np.unique(stored.labels)) == {BACKGROUND, 2}

    first_row = painter.tab.list.visualRect(painter.tab.list.tiles.index(0))
    QTest.mouseClick(painter.tab.list.viewport(), Qt.MouseButton.LeftButton, pos=first_row.center())
    painter.wait_for(FIRST)
    np.testing.assert_array_equal(painter.labels.data, stored.labels)


def test_skip_unsure_and_bad_image_are_shown_in_the_list(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.press("w")
    painter.wait_for(SECOND)
    painter.press("s")
    painter.wait_for(THIRD)
    painter.click(painter.tab.bad)
    painter.settle()

    rows = painter.tab.list.tiles.rows
    assert [row.queued.state for row in rows] == ["unsure", "skipped", "bad image"]
    assert all(row.picture is not None for row in rows)
    assert [row.is_current for row in rows] == [True, False, False]  # the unsure one is what is left


def test_layer_that_the_user_removed_comes_back_with_what_was_painted(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painted = painter.labels.data.copy()
    painter.labels.name = "renamed"
    painter.viewer.layers.remove(painter.labels)
    painter.press("e")
    painter.wait_for(SECOND)
    assert not painter.labels.data.any()

    painter.press("q")
    painter.wait_for(FIRST)
    np.testing.assert_array_equal(painter.labels.data, painted)

    painter.viewer.layers.remove(painter.labels)
    painter.model.go_to(FIRST)
    painter.settle()
    np.testing.assert_array_equal(painter.labels.data, painted)


def test_suggested_tile_opens_with_the_guess_as_contour_and_the_uncertainty_hidden(
    make_dock: MakeDock, qtbot: QtBot, tmp_path: Path
) -> None:
    painter = Painter(make_dock(show=True), qtbot, make_small_project(tmp_path, with_queue=False))
    painter.model.chosen_source = lambda: SOURCE
    painter.open_project()
    assert painter.tab.suggest.text() == "Suggest 4 tiles"

    painter.click(painter.tab.suggest)
    assert not painter.tab.suggest.isEnabled()
    qtbot.waitUntil(lambda: painter.model.state.queue.n_to_do == 4, timeout=PATIENCE)
    painter.settle()
    assert painter.tab.suggest.text() == "Suggest 4 more"
    painter.press("e")
    qtbot.waitUntil(lambda: painter.model.state.painting is not None, timeout=PATIENCE)
    painter.settle()

    guess = painter.model.state.painting.guess
    assert guess.segments.max() > 0
    np.testing.assert_array_equal(painter.labels.data, to_annotation(guess.segments))
    contour = find_layer(painter.viewer, "guess", is_tile=True)
    assert isinstance(contour, Labels)
    assert contour.contour == 1
    assert contour.name == "image · guess"
    uncertainty = find_layer(painter.viewer, "uncertainty", is_tile=True)
    assert isinstance(uncertainty, Image)
    assert not uncertainty.visible
    painter.press("u")
    painter.press("g")
    assert uncertainty.visible
    assert not contour.visible
    assert not painter.tab.guess.isChecked()

    painter.click(painter.tab.strokes)
    assert not painter.labels.data.any()
    painter.click(painter.tab.whole)
    np.testing.assert_array_equal(painter.labels.data, to_annotation(guess.segments))


def test_when_no_tile_is_left_the_strip_says_so(make_dock: MakeDock, qtbot: QtBot, tmp_path: Path) -> None:
    folder = make_small_project(tmp_path, with_queue=False)
    with open_project(folder, write=True) as project:
        project.store_queue(TileQueue(tiles=(QueuedTile(start=(0, 0), shape=(256, 256), state="bad image"),)))
    painter = Painter(make_dock(show=True), qtbot, folder)
    painter.open_project()
    painter.click(painter.tab.suggest)

    words = painter.dock.strip.error.words
    qtbot.waitUntil(lambda: "no tile is left to suggest" in words.text(), timeout=PATIENCE)
    assert painter.tab.suggest.isEnabled()


def test_looking_for_strokes_costs_less_than_a_millisecond(painter: Painter, promised: Promised) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    with promised(0.04):
        for i in range(40):
            painter.labels.data[i, i] = 3
            painter.tab.canvas.note()
    painter.labels.data[0, 1] = 3

    assert calls_of(painter.tab.canvas.note)[0] < 200
    assert calls_of(painter.tab.canvas.note)[0] < 40, "nothing was painted since"


def test_what_lies_between_two_paintings_is_one_button_and_says_why_it_stops(dock: GraftDock) -> None:
    tab, state = dock.findChild(AnnotateTab), dock.workbench.next_round.state
    assert tab.go_on.isHidden()
    assert tab.reason_to_stop.isHidden()

    state.action = "Train, then suggest more"
    state.reason_to_stop = "more tiles of this kind will not help much"

    assert (tab.go_on.text(), tab.go_on.isHidden()) == ("Train, then suggest more", False)
    assert not tab.reason_to_stop.isHidden()
    assert tab.suggest.property("look") == "quiet"
