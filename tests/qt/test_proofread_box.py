"""A result is proofread in a real window: by the mouse and keys on the canvas, and by the buttons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QWidget

sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from test_proofreading import LEFT, LONE, RIGHT, make_with_result, some_objects
from test_review import make_with_bridge

from napari_graft._napari.images import mark_image
from napari_graft._napari.layers import find_layer
from napari_graft._qt.proofread.box import ProofreadBox
from napari_graft._qt.proofread.export_dialog import ExportDialog
from napari_graft.project.opening import open_project
from napari_graft.project.results import note_written_result
from napari_graft.session.projects.creation import ImageOptions, make_project

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 60_000
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
NONE, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


class Person:
    """Click and press keys in the window."""

    def __init__(self, dock: GraftDock, qtbot: QtBot, folder: Path) -> None:
        self.dock, self.qtbot, self.viewer = dock, qtbot, dock.viewer
        box = dock.findChild(ProofreadBox)
        assert box is not None
        self.box = box
        self.model = dock.workbench.proofreading
        self.native = dock.viewer.window._qt_viewer.canvas.native
        dock.workbench.state.tab = "compare"
        project = open_project(folder, write=True)
        image = self.viewer.add_image(project.volume.data[:], name="cells", scale=project.manifest.pixel_size)
        mark_image(image, folder)
        dock.workbench.context.take(project)
        self.settle()

    def settle(self) -> None:
        jobs = self.dock.workbench.context.jobs
        self.qtbot.waitUntil(lambda: not jobs.active, timeout=PATIENCE)

    def open(self) -> None:
        self.click_on(self.box.open)
        self.settle()
        assert self.model.state.opened is not None, self.box.message.text()
        self.qtbot.wait(50)

    @property
    def labels(self) -> Labels:
        layer = find_layer(self.viewer, "proofread", kind="objects")
        assert isinstance(layer, Labels)
        return layer

    def click_on(self, widget: object) -> None:
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)

    def press(self, key: str | Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        self.qtbot.keyClick(self.native, key, modifier)
        self.settle()

    def place(self, pixel: tuple[int, ...]) -> QPoint:
        """Return where a pixel of the result is on the canvas."""
        world = np.array(self.labels.data_to_world(pixel))[-2:]
        height, width = self.viewer.canvas.size
        offset = (world - np.array(self.viewer.camera.center[-2:])) * self.viewer.camera.zoom
        return QPoint(round(width / 2 + offset[1]), round(height / 2 + offset[0]))

    def drag(self, start: tuple[int, ...], end: tuple[int, ...]) -> None:
        """Drag the mouse from one pixel of the result to another."""
        self.move_to(start)
        left, places = Qt.MouseButton.LeftButton, (self.place(start), self.place(end))
        self.qtbot.mousePress(self.native, left, pos=places[0])
        for share in (0.4, 0.8, 1.0):
            at = QPointF(places[0]) * (1 - share) + QPointF(places[1]) * share
            place = QPointF(self.native.mapToGlobal(at.toPoint()))
            event = QMouseEvent(QEvent.Type.MouseMove, at, place, Qt.MouseButton.NoButton, left, NONE)
            QApplication.sendEvent(self.native, event)
            self.qtbot.wait(20)
        self.qtbot.mouseRelease(self.native, left, pos=places[1])
        self.settle()

    def move_to(self, pixel: tuple[int, ...]) -> None:
        at = QPointF(self.place(pixel))
        no_button = Qt.MouseButton.NoButton
        place = QPointF(self.native.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(
            self.native, QMouseEvent(QEvent.Type.MouseMove, at, place, no_button, no_button, NONE)
        )
        self.qtbot.wait(20)  # vispy drops a move that follows another within 10 ms

    def click(self, pixel: tuple[int, ...], button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        """Click on the canvas, after the mouse came there."""
        self.move_to(pixel)
        self.qtbot.mouseClick(self.native, button, pos=self.place(pixel))
        self.settle()


@pytest.fixture
def person(make_dock, qtbot: QtBot, tmp_path: Path) -> Person:  # type: ignore[no-untyped-def]  # a fixture
    return Person(make_dock(show=True), qtbot, make_with_result(tmp_path))


def test_mouse_and_keys_merge_split_delete_undo_and_redo(person: Person) -> None:
    person.open()
    assert person.viewer.layers.selection.active is person.labels
    assert "3 objects" in person.box.message.text()

    person.press("a")
    assert person.box.edits.tools.buttons["merge"].isChecked()
    person.click(LEFT)
    assert find_layer(person.viewer, "proofread", kind="preview").visible
    assert "merge with it" in person.box.edits.tools.hint.text()
    person.click(RIGHT)
    assert person.labels.data[RIGHT] == 1
    assert not find_layer(person.viewer, "proofread", kind="preview").visible
    assert "Merged objects 1 and 2" in person.box.message.text()

    person.press("s")
    person.click((150, 135))
    person.click((150, 170))
    person.press(Qt.Key.Key_Return)
    assert person.labels.data[150, 135] != person.labels.data[150, 170]

    person.press("z", CONTROL)
    person.press("z", CONTROL)
    np.testing.assert_array_equal(person.labels.data, some_objects())
    person.press("z", CONTROL | SHIFT)
    assert person.labels.data[RIGHT] == 1
    assert person.box.edits.undo.text() == "Undo merge"
    person.click_on(person.box.edits.undo)
    person.settle()
    np.testing.assert_array_equal(person.labels.data, some_objects())

    person.click_on(person.box.edits.tools.buttons["split"])  # it was up: now it is down
    person.click((150, 135))
    assert person.dock.workbench.click_tools.state.points == ()
    person.click_on(person.box.edits.tools.buttons["split"])
    person.click((150, 135))
    person.click((150, 170))
    person.click((150, 170), Qt.MouseButton.RightButton)
    assert person.labels.data[150, 135] != person.labels.data[150, 170]

    person.press("d")
    person.move_to(LEFT)
    person.press("d")  # the key of the tool that is up is a click where the mouse is
    assert not (person.labels.data == 1).any()


def test_what_was_corrected_is_exported_from_a_form(person: Person, tmp_path: Path) -> None:
    person.open()
    person.press("d")
    person.click(LONE)
    n_left = len(np.unique(person.labels.data)) - 1

    person.click_on(person.box.edits.export)
    job = person.box.edits.findChild(ExportDialog).job
    assert (job.form.to.value, job.form.out.value) == ("csv", str(tmp_path / "cells-segments.csv"))
    job.form.to.value = "tiff"
    assert job.form.out.value == str(tmp_path / "cells-segments.tif")
    person.click_on(job.begin)
    person.settle()
    assert "cells-segments.tif" in job.words.text(), "it is the result itself, which is never written over"

    job.form.out.value = str(tmp_path / "corrected.tif")
    person.click_on(job.begin)
    person.settle()
    assert job.words.text() == "done"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "corrected.tif"), person.labels.data)
    assert len(np.unique(person.labels.data)) == 1 + n_left


def test_a_stroke_of_the_brush_is_one_of_our_edits(person: Person) -> None:
    person.open()
    person.press("x")
    person.click(LONE)
    layer = person.labels
    layer.brush_size = 5
    layer.mode = "paint"
    person.click((100, 100))
    assert person.model.state.undo_tool == "paint"
    n_painted = int((layer.data == layer.selected_label).sum())
    assert n_painted > 10

    layer.mode = "erase"
    person.click(LONE)  # it is locked
    assert layer.data[LONE] == 7
    assert "locked" in person.box.message.text()

    person.press("z", CONTROL)
    np.testing.assert_array_equal(layer.data, some_objects())


def test_a_stack_is_corrected_in_the_plane_that_is_shown(
    make_dock,
    qtbot: QtBot,
    tmp_path: Path,  # type: ignore[no-untyped-def]  # a fixture
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (6, 128, 160), np.uint8)
    labels = np.zeros(pixels.shape, np.uint32)
    labels[1:5, 30:60, 30:60], labels[3:, 80:100, 80:120] = 1, 2
    tifffile.imwrite(tmp_path / "stack.tif", pixels)
    tifffile.imwrite(tmp_path / "objects.tif", labels)
    options = ImageOptions(str(tmp_path / "stack.tif"), axes="zyx", pixel_size=(40.0, 4.0, 4.0))
    make_project(tmp_path / "stack.graft", options).close()
    note_written_result(tmp_path / "stack.graft", tmp_path / "objects.tif", "0001", 2)
    person = Person(make_dock(show=True), qtbot, tmp_path / "stack.graft")
    person.open()
    person.viewer.dims.set_current_step(0, 2)

    person.press("d")
    person.click((2, 90, 100))
    assert "no object" in person.box.message.text()  # it begins on the next plane
    person.viewer.dims.set_current_step(0, 3)
    person.click((3, 90, 100))

    assert set(np.unique(person.labels.data)) == {0, 1}
    person.viewer.dims.ndisplay = 3
    person.click((3, 45, 45))
    assert "2-D" in person.box.message.text()


def test_to_remove_the_layer_closes_the_result_and_all_edits_are_there_again(person: Person) -> None:
    person.open()
    person.press("d")
    person.click(LONE)
    person.viewer.layers.remove(person.labels)
    assert person.model.state.opened is None
    assert person.box.edits.isHidden()

    person.open()
    assert person.labels.data[LONE] == 0
    person.press("z", CONTROL)
    assert person.labels.data[LONE] == 7


def test_suspicious_objects_are_gone_through_with_keys_and_buttons(
    make_dock,
    qtbot: QtBot,
    tmp_path: Path,  # type: ignore[no-untyped-def]  # a fixture
) -> None:
    person = Person(make_dock(show=True), qtbot, make_with_bridge(tmp_path))
    person.open()
    box, review = person.box.review, person.dock.workbench.review
    assert box.table.isHidden()
    person.click_on(box.find)
    assert box.stop.isVisibleTo(box)
    person.settle()
    assert box.table.rowCount() == len(review.state.entries) > 0
    assert "0 of" in box.progress.text()
    widths = {type(one).__name__: one.minimumSizeHint().width() for one in person.box.findChildren(QWidget)}
    assert person.box.minimumSizeHint().width() <= NARROWEST, widths

    zoom = person.viewer.camera.zoom
    person.press(Qt.Key.Key_Return)
    assert review.state.current == 0
    assert person.viewer.camera.zoom > zoom
    place = np.array(person.labels.world_to_data(person.viewer.camera.center)[-2:])
    assert np.abs(place - (200, 112)).max() < 10
    assert "Object 20" in box.words.text()
    assert find_layer(person.viewer, "proofread", kind="preview").visible

    person.press("c")
    assert "1 of" in box.progress.text()
    assert box.table.item(0, 2).text() == "accepted"
    box.table.cellClicked.emit(0, 0)
    assert review.state.current == 0


def test_edits_of_another_result_are_put_aside_by_a_click(person: Person, tmp_path: Path) -> None:
    person.open()
    person.press("d")
    person.click(LONE)
    person.click_on(person.box.edits.close_result)
    person.settle()
    assert find_layer(person.viewer, "proofread") is None
    tifffile.imwrite(tmp_path / "cells-segments.tif", some_objects()[::-1])

    person.click_on(person.box.open)
    person.settle()
    assert "another result" in person.box.message.text()
    person.click_on(person.box.anew)
    person.settle()

    np.testing.assert_array_equal(person.labels.data, some_objects()[::-1])
    assert person.box.anew.isHidden()
    person.dock.workbench.state.tab = "annotate"
    assert not person.labels.visible
    person.dock.workbench.state.tab = "compare"
    assert person.labels.visible


def test_a_drag_merges_and_what_was_checked_is_trained_on_by_a_click(person: Person) -> None:
    person.open()
    person.dock.workbench.data.state.tile_side = 64
    assert person.viewer.camera.mouse_pan
    person.press("a")
    assert not person.viewer.camera.mouse_pan
    person.drag(LEFT, RIGHT)
    assert person.labels.data[RIGHT] == 1
    person.press("d")
    assert person.viewer.camera.mouse_pan  # with any other tool a drag moves the view
    person.drag(LONE, LEFT)
    assert (person.labels.data == 7).any()

    person.click_on(person.box.edits.take_checked)
    person.settle()
    assert "1 tile is annotated" in person.box.message.text()
    person.viewer.camera.center = (0, 150 * 650.0, 152 * 650.0)
    person.click_on(person.box.edits.take_view)
    person.settle()
    tiles = person.dock.workbench.annotating.state.queue.tiles
    assert [one.state for one in tiles] == ["done", "done"]
    assert not tiles[1].sparse


def test_measurements_are_seen_as_a_histogram_and_points_lead_to_their_objects(person: Person) -> None:
    person.open()
    box = person.box.measurements
    box.expand(animate=False)
    person.qtbot.wait(200)
    person.click_on(box.measure)
    person.settle()
    assert person.labels.features["index"].tolist() == [1, 2, 7]
    assert person.labels.features["n_pixels"].tolist()[:2] == [600, 600]
    assert box.shown.opts["height"].sum() == 3

    box.across.setCurrentIndex(box.across.findData("n_pixels"))
    box.up.setCurrentIndex(box.up.findData("solidity"))
    x, _ = box.shown.getData()
    assert len(x) == 3 and "Click a point" in box.hint.text()
    before = tuple(person.viewer.camera.center)
    box.shown.sigClicked.emit(box.shown, box.shown.points()[2:], None)
    person.settle()
    assert tuple(person.viewer.camera.center) != before

    person.press("d")
    person.click((150, 140))
    assert "measure again" in box.hint.text()
