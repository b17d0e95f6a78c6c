"""What a layer does not say, its file may; what nobody says is told, and can be changed, in the tab Data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from data_dock import PATIENCE, data_tab, some_image, start_project, type_in
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_graft._napari.images import project_image
from napari_graft.core.tile import Tile
from napari_graft.io.opening import FileFacts, read_facts
from napari_graft.workbench.data import layer_description

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock


def choose(box: QComboBox, data: object) -> None:
    """Choose an entry as the user does, by the keys of the list."""
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def wait_until_read(dock: GraftDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dock.workbench.context.jobs.active, timeout=PATIENCE)


def open_four_channels(dock: GraftDock, qtbot: QtBot, path: Path) -> np.ndarray:
    pixels = some_image(4, 70, 80)
    metadata = {"axes": "CYX", "mode": "composite", "unit": "um"}
    tifffile.imwrite(path, pixels, imagej=True, resolution=(4, 4), metadata=metadata)
    dock.viewer.open(path, plugin="napari")
    wait_until_read(dock, qtbot)
    return pixels


def test_four_channels_are_no_slices_and_one_of_them_is_chosen(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = open_four_channels(dock, qtbot, tmp_path / "four.tif")
    tab = data_tab(dock)
    assert "is channels, as the file says. Choose the channel" in tab.axes.words.text()
    assert not tab.pixel_size.fields[0].isVisibleTo(tab)
    assert [field.text() for field in tab.pixel_size.fields[1:]] == ["0.25", "0.25"]

    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)
    assert "has 4 channels" in tab.project.refusal.text()
    choose(tab.axes.parts[0], 2)
    start_project(dock, qtbot, tmp_path / "four.graft")

    project = dock.workbench.context.require_project()
    assert project.manifest.shape == (70, 80)
    assert project.image.path == str(tmp_path / "four.tif")
    np.testing.assert_array_equal(project.volume.read_raw(Tile((0, 0), (70, 80))), pixels[2])
    image = project_image(dock.viewer, project.folder)
    assert image is not None
    np.testing.assert_array_equal(np.asarray(image.data), pixels[2])
    assert tab.image.currentText() == image.name
    assert not tab.axes.isVisibleTo(tab)


def test_stack_without_a_word_on_its_axes_is_told_and_can_be_channels_colours_or_time(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = some_image(3, 70, 80)
    dock.viewer.add_image(pixels)
    tab = data_tab(dock)
    assert "The axis of 3 is taken for slices (z): nothing says" in tab.axes.words.text()

    choose(tab.axes.meanings[0], "time")
    assert "Choose the time point" in tab.axes.words.text()
    choose(tab.axes.meanings[0], "colours")
    assert tab.axes.words.text() == ""
    start_project(dock, qtbot, tmp_path / "one.graft")

    volume = dock.workbench.context.require_project().volume
    assert volume.shape == (70, 80)
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0), (70, 80))), np.moveaxis(pixels, 0, -1))


def test_film_of_volumes_is_asked_about_and_one_time_point_is_taken(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = some_image(2, 5, 70, 80)
    dock.viewer.add_image(pixels)
    tab = data_tab(dock)
    assert "Say what these axes are" in tab.axes.words.text()
    choose(tab.axes.meanings[0], "time")
    choose(tab.axes.parts[0], 1)
    choose(tab.axes.meanings[1], "slices")
    assert tab.pixel_size.fields[0].isVisibleTo(tab)
    start_project(dock, qtbot, tmp_path / "one.graft")

    volume = dock.workbench.context.require_project().volume
    np.testing.assert_array_equal(volume.read_raw(Tile((0, 0, 0), (5, 70, 80))), pixels[1])


@pytest.fixture
def slow_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let a file be read no earlier than the event is set."""
    may_read = threading.Event()

    def read(path: str) -> FileFacts | None:
        may_read.wait(PATIENCE / 1000)
        return read_facts(path)

    monkeypatch.setattr(layer_description, "read_facts", read)
    yield may_read
    may_read.set()


def test_start_before_the_file_was_read_waits_for_what_it_says(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, slow_file: threading.Event
) -> None:
    pixels = some_image(4, 70, 80)
    metadata = {"axes": "CYX", "mode": "composite"}
    tifffile.imwrite(tmp_path / "four.tif", pixels, imagej=True, metadata=metadata)
    dock.viewer.open(tmp_path / "four.tif", plugin="napari")
    tab = data_tab(dock)
    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)
    assert not tab.project.start.isEnabled()
    slow_file.set()
    wait_until_read(dock, qtbot)

    assert dock.workbench.context.project is None
    assert "has 4 channels" in tab.project.refusal.text()
    assert tab.project.start.isEnabled()


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_pixel_size_of_the_file_is_shown_at_once_where_the_layer_has_none(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    path, pixels = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif"), some_image(5, 70, 80)
    if kind == "ome":
        sizes = {"PhysicalSizeZ": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeX": 0.25}
        units = {f"PhysicalSize{one}Unit": "µm" for one in "ZYX"}
        tifffile.imwrite(path, pixels, metadata={"axes": "ZYX"} | sizes | units)
    else:
        tifffile.imwrite(
            path,
            pixels,
            imagej=True,
            resolution=(4, 4),
            metadata={"axes": "ZYX", "spacing": 0.5, "unit": "um"},
        )
    dock.viewer.open(path, plugin="napari")
    wait_until_read(dock, qtbot)
    tab, state = data_tab(dock), dock.workbench.data.state

    assert [field.text() for field in tab.pixel_size.fields] == ["0.5", "0.25", "0.25"]
    assert tab.pixel_size.unit.currentText() == "µm"
    assert tab.origin.text() == f"from {state.size_note.origin} ✓"
    assert state.size_note.origin not in ("", "the layer")
    start_project(dock, qtbot, tmp_path / "one.graft")
    manifest = dock.workbench.context.require_project().manifest
    assert manifest.pixel_size == (0.5, 0.25, 0.25)
    assert manifest.pixel_size_from == state.size_note.origin


def test_what_is_typed_before_the_file_was_read_stays(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, slow_file: threading.Event
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, some_image(70, 80), imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    dock.viewer.open(path, plugin="napari")
    tab = data_tab(dock)
    tab.pixel_size.unit.setCurrentText("nm")
    for field in tab.pixel_size.fields[1:]:
        field.setText("9")
    type_in(tab.pixel_size.fields[2], "9")
    slow_file.set()
    wait_until_read(dock, qtbot)

    assert dock.workbench.data.state.pixel_size == (9, 9)
    assert tab.origin.text() == "as typed"
