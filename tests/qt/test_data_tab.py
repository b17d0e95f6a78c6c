from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np
import pytest
import tifffile
from data_dock import PATIENCE, data_tab, some_image, start_project
from napari.layers import Image
from qtpy.QtCore import Qt

from napari_graft.project.opening import open_project

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock


def test_without_an_image_the_sample_is_offered(dock: GraftDock, qtbot: QtBot) -> None:
    tab = data_tab(dock)
    assert "Open an image" in dock.next.text()
    assert not tab.project.start.isEnabled()
    assert "Choose an image" in tab.project.start.toolTip()

    qtbot.mouseClick(tab.sample, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: tab.image.currentText() == "Generated neuropil", timeout=60_000)
    assert "uint8" in tab.about.text()
    assert tab.sample.isHidden()
    assert tab.project.start.isEnabled()
    assert tab.project.start.toolTip() == ""


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("2-D", "70 × 80 · uint8"), ("stack", "5 × 70 × 80 · uint8"), ("RGB", "70 × 80 · colour, uint8"),
     ("multiscale", "5 × 70 × 80 · uint8"), ("dask", "5 × 70 × 80 · uint8")],
)  # fmt: skip
def test_any_image_layer_becomes_a_project_with_its_pixels(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, kind: str, shown: str
) -> None:
    stack = some_image(5, 70, 80)
    if kind == "2-D":
        dock.viewer.add_image(stack[0])
    elif kind == "RGB":
        dock.viewer.add_image(some_image(70, 80, 3), rgb=True)
    elif kind == "multiscale":
        dock.viewer.add_image([stack, stack[:, ::2, ::2]], multiscale=True)
    else:
        dock.viewer.add_image(stack if kind == "stack" else da.from_array(stack, chunks=(1, 32, 32)))
    assert data_tab(dock).about.text() == shown

    start_project(dock, qtbot, tmp_path / "one.graft")

    project = dock.workbench.context.project
    assert project is not None
    raw = project.volume.read_raw
    from napari_graft.core.tile import Tile

    whole = Tile((0,) * len(project.manifest.shape), project.manifest.shape)
    pixels = np.asarray(raw(whole))
    if kind in ("2-D", "stack", "multiscale", "dask"):
        np.testing.assert_array_equal(pixels, stack[0] if kind == "2-D" else stack)
    else:
        assert pixels.shape == (70, 80, 3)


def test_image_that_lies_in_a_file_is_not_copied(dock: GraftDock, qtbot: QtBot, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cortex.tif", some_image(70, 80))
    dock.viewer.open(tmp_path / "cortex.tif", plugin="napari")

    tab = data_tab(dock)
    assert tab.project.folder.text() == str(tmp_path / "cortex.graft")
    start_project(dock, qtbot, tmp_path / "cortex.graft")

    project = dock.workbench.context.project
    assert project is not None
    assert project.image.path == str(tmp_path / "cortex.tif")


def test_pixel_size_comes_from_the_layer(dock: GraftDock, qtbot: QtBot, tmp_path: Path) -> None:
    dock.viewer.add_image(some_image(5, 70, 80), scale=(0.05, 0.004, 0.004), units=("um", "um", "um"))
    tab = data_tab(dock)

    assert [field.text() for field in tab.pixel_size.fields] == ["0.05", "0.004", "0.004"]
    assert tab.pixel_size.unit.currentText() == "µm"
    assert "from the layer" in tab.origin.text()
    start_project(dock, qtbot, tmp_path / "one.graft")

    project = dock.workbench.context.project
    assert project is not None
    assert project.manifest.spatial_axes.pixel_size_in("nm") == pytest.approx((50, 4, 4))


def test_missing_pixel_size_is_asked_for_and_an_odd_one_is_doubted(dock: GraftDock, qtbot: QtBot) -> None:
    dock.viewer.add_image(some_image(70, 80))
    tab = data_tab(dock)
    assert "Not known" in tab.origin.text()

    tab.structure.setCurrentIndex(tab.structure.findData("nuclei"))
    for field in tab.pixel_size.fields[1:]:
        field.setText("0.3")
        field.editingFinished.emit()
    assert "unusually fine" in tab.origin.text()
    tab.pixel_size.unit.setCurrentText("µm")

    assert tab.origin.text() == "as typed"


def test_usual_pixel_size_is_one_click_away(dock: GraftDock, qtbot: QtBot) -> None:
    dock.viewer.add_image(some_image(70, 80))
    tab = data_tab(dock)
    tab.structure.setCurrentIndex(tab.structure.findData("neurites"))

    qtbot.mouseClick(tab.usual.layout().itemAt(1).widget(), Qt.MouseButton.LeftButton)

    assert dock.workbench.data.state.pixel_size == (10.0, 10.0)


def test_tile_size_is_shown_as_a_box_on_the_image(dock: GraftDock) -> None:
    image = dock.viewer.add_image(some_image(5, 300, 400), scale=(2, 0.5, 0.5))
    tab = data_tab(dock)

    tab.advanced.expand(animate=False)
    tab.tile_side.setValue(128)

    box = next(layer for layer in dock.viewer.layers if layer is not image)
    assert np.ptp(box.data[0][:, -2:], axis=0) == pytest.approx((128, 128))
    np.testing.assert_array_equal(box.scale, image.scale)
    tab.advanced.collapse(animate=False)
    assert list(dock.viewer.layers) == [image]


def test_existing_project_is_resumed(dock: GraftDock, qtbot: QtBot, tmp_path: Path) -> None:
    dock.viewer.add_image(some_image(70, 80), name="one")
    start_project(dock, qtbot, tmp_path / "one.graft")
    dock.workbench.context.close_project()
    tab = data_tab(dock)
    dock.workbench.data.state.folder = None
    dock.workbench.data.state.folder = tmp_path / "one.graft"
    assert tab.project.start.text() == "Resume project"

    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)
    assert "one" in tab.project.about.text()


def test_project_is_closed_by_a_click_so_that_others_can_write(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock.viewer.add_image(some_image(70, 80), name="one")
    tab, context = data_tab(dock), dock.workbench.context
    assert tab.project.close_project.isHidden()
    start_project(dock, qtbot, tmp_path / "one.graft")
    assert "kept" in tab.project.close_project.toolTip()

    qtbot.mouseClick(tab.project.close_project, Qt.MouseButton.LeftButton)

    assert context.project is None
    assert tab.project.close_project.isHidden()
    assert context.closing.wait(PATIENCE / 1000)
    open_project(tmp_path / "one.graft", write=True).close()
    # It stays closed when another layer comes, and is opened again by the same layer.
    dock.viewer.add_labels(np.zeros((70, 80), int))
    qtbot.wait(50)
    assert context.project is None
    assert not dock.workbench.data.state.is_opening
    assert tab.project.start.text() == "Resume project"
    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: context.project is not None, timeout=PATIENCE)
    assert len([layer for layer in dock.viewer.layers if isinstance(layer, Image)]) == 1


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros((70, 80), np.uint8), "0"),
        (np.full((70, 80), np.nan, np.float32), "nan"),
        (some_image(2, 3, 70, 80), "axes"),
    ],
)
def test_image_that_cannot_be_used_is_refused_in_words(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, image: np.ndarray, word: str
) -> None:
    dock.viewer.add_image(image, rgb=False)
    tab = data_tab(dock)
    tab.project.folder.setText(str(tmp_path / "one.graft"))
    tab.project.folder.editingFinished.emit()

    qtbot.mouseClick(tab.project.start, Qt.MouseButton.LeftButton)

    qtbot.waitUntil(
        lambda: bool(tab.project.refusal.text() or dock.strip.error.words.text()), timeout=PATIENCE
    )
    assert word in tab.project.refusal.text() + dock.strip.error.words.text()
    assert not (tmp_path / "one.graft").exists()


def test_project_that_another_window_has_open_is_refused(make_dock, qtbot: QtBot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # a fixture
    first, second = make_dock(), make_dock()
    first.viewer.add_image(some_image(70, 80))
    start_project(first, qtbot, tmp_path / "one.graft")

    second.workbench.data.open_folder(tmp_path / "one.graft")

    qtbot.waitUntil(lambda: "is being written" in second.strip.error.words.text(), timeout=PATIENCE)
    assert second.workbench.context.project is None


def test_renamed_and_removed_layers_are_coped_with(dock: GraftDock) -> None:
    first = dock.viewer.add_image(some_image(70, 80), name="first")
    second = dock.viewer.add_image(some_image(90, 80), name="second")
    tab = data_tab(dock)

    first.name = "renamed"
    assert tab.image.findText("renamed") >= 0
    dock.viewer.layers.remove(second)
    assert tab.image.currentText() == "renamed"
    dock.viewer.layers.clear()

    assert tab.image.count() == 0
    assert "No image" in tab.about.text()
