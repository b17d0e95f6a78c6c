"""What is typed of an image in the tab Data is applied at once, refused, or fixed with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from data_dock import PATIENCE, data_tab, some_image, start_project, type_in
from qtpy.QtCore import Qt

from napari_graft._napari.images import project_image
from napari_graft.project.opening import open_project
from napari_graft.sources.network_spec import ModelSpec

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock


def test_emptied_or_mistyped_field_wipes_no_other_and_is_told(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(5, 70, 80), scale=(40, 4, 4), units=("nm",) * 3)
    tab, state = data_tab(dock), dock.workbench.data.state
    z, y, x = tab.pixel_size.fields

    for typed, words in (
        ("", "along z is missing"),
        ("4o", "'4o' is no length along z"),
        ("-3", "'-3' is no"),
    ):
        type_in(z, typed)
        assert words in tab.origin.text()
        assert [field.text() for field in (z, y, x)] == [typed, "4", "4"]
        assert state.pixel_size == (40, 4, 4)
    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)
    assert "'-3' is no length" in tab.project.refusal.text()

    type_in(z, "30,5")
    assert state.pixel_size == (30.5, 4, 4)
    assert tab.origin.text() == "as typed"


def test_usual_size_of_a_stack_leaves_the_thickness_of_slices_to_the_user(
    dock: GraftDock, qtbot: QtBot
) -> None:
    dock.viewer.add_image(some_image(5, 70, 80))
    tab, state = data_tab(dock), dock.workbench.data.state
    tab.structure.setCurrentIndex(tab.structure.findData("neurites"))

    qtbot.mouseClick(tab.usual.layout().itemAt(1).widget(), Qt.MouseButton.LeftButton)

    assert [field.text() for field in tab.pixel_size.fields] == ["", "10", "10"]
    assert "along z is missing" in tab.origin.text()
    assert state.pixel_size is None
    type_in(tab.pixel_size.fields[0], "40")
    assert (state.pixel_size, state.unit) == ((40, 10, 10), "nm")


def test_what_is_typed_reaches_project_and_layer_at_once_before_and_after_the_start(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    layer = dock.viewer.add_image(some_image(5, 70, 80), translate=(0, 7, 7))
    tab, context = data_tab(dock), dock.workbench.context
    dock.viewer.dims.set_point(0, 3)
    for field, typed in zip(tab.pixel_size.fields, ("40", "4", "4"), strict=True):
        type_in(field, typed)
    start_project(dock, qtbot, tmp_path / "one.graft")

    assert (layer.scale.tolist(), layer.translate.tolist()) == ([40, 4, 4], [0, 28, 28])
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.world_to_data(dock.viewer.dims.point)[0] == pytest.approx(3)

    boxes = dock.viewer.add_shapes(
        [np.array([[3, 5, 5], [3, 5, 9], [3, 9, 9], [3, 9, 5]])],
        scale=layer.scale,
        translate=layer.translate,
        units=layer.units,
        metadata={"napari_graft": {"role": "tiles", "kind": "queue"}},
    )
    type_in(tab.pixel_size.fields[0], "50")
    tab.structure.setCurrentIndex(tab.structure.findData("mitochondria"))

    assert layer.scale.tolist() == boxes.scale.tolist() == [50, 4, 4]
    assert layer.world_to_data(dock.viewer.dims.point)[0] == pytest.approx(3)
    assert "applies at once" in tab.origin.text()
    context.close_project()
    assert context.closing.wait(PATIENCE / 1000)
    with open_project(tmp_path / "one.graft") as project:
        assert project.manifest.pixel_size == (50, 4, 4)
        assert project.manifest.structure == "mitochondria"
        assert project.volume.axes.pixel_size == (50, 4, 4)


def test_fields_are_fixed_with_the_reason_once_something_was_trained(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(70, 80), scale=(4, 4), units=("nm", "nm"))
    start_project(dock, qtbot, tmp_path / "one.graft")
    tab, context = data_tab(dock), dock.workbench.context
    project = context.require_project()
    project.new_run("scratch", ModelSpec(), n_tiles=1)
    context.runs_changed.emit()

    assert "round 1 was trained at this scale" in tab.origin.text()
    assert "round 1" in tab.pixel_size.fields[1].toolTip()
    assert not tab.pixel_size.fields[1].isEnabled()
    assert not tab.inverted.isEnabled()
    tab.structure.setCurrentIndex(tab.structure.findData("nuclei"))
    assert project.manifest.structure == "nuclei"


def test_fields_of_another_image_leave_the_open_project_alone(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(70, 80), name="one", scale=(4, 4), units=("nm", "nm"))
    start_project(dock, qtbot, tmp_path / "one.graft")
    other = dock.viewer.add_image(some_image(90, 60), name="other")
    tab = data_tab(dock)
    tab.image.setCurrentIndex(tab.image.findText("other"))
    for field in tab.pixel_size.fields[1:]:
        type_in(field, "9")

    project = dock.workbench.context.require_project()
    assert project.manifest.pixel_size == (4, 4)
    assert dock.viewer.layers["one"].scale.tolist() == [4, 4]
    assert other.scale.tolist() == [1, 1]
    tab.image.setCurrentIndex(tab.image.findText("one"))
    assert [field.text() for field in tab.pixel_size.fields[1:]] == ["4", "4"]


def test_resumed_project_takes_no_layer_of_the_same_shape_for_its_image(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = some_image(70, 80)
    dock.viewer.add_image(pixels, name="one")
    start_project(dock, qtbot, tmp_path / "one.graft")
    dock.workbench.context.close_project()
    dock.viewer.layers.clear()
    edited = pixels.copy()
    edited[0, 0] ^= 1
    dock.viewer.add_image(edited, name="edited")

    dock.workbench.data.open_folder(tmp_path / "one.graft")
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)

    image = project_image(dock.viewer, tmp_path / "one.graft")
    assert image is not None
    assert image.name != "edited"
    np.testing.assert_array_equal(np.asarray(image.data), pixels)
    assert data_tab(dock).image.currentText() == image.name


def test_project_goes_on_with_its_image_where_the_layer_is_changed(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = some_image(70, 80)
    layer = dock.viewer.add_image(pixels, name="one")
    start_project(dock, qtbot, tmp_path / "one.graft")

    layer.data = 255 - pixels

    image = project_image(dock.viewer, tmp_path / "one.graft")
    assert image is not None
    assert image is not layer
    np.testing.assert_array_equal(np.asarray(image.data), pixels)
    assert "was changed in napari" in data_tab(dock).project.refusal.text()
    layer.data = pixels  # it is like any other by now
    assert project_image(dock.viewer, tmp_path / "one.graft") is image
    dock.workbench.context.close_project()
    image.data = 255 - pixels
    assert len(dock.viewer.layers) == 2
