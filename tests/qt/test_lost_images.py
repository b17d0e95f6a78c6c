"""Projects that cannot be opened as they are: the user is told why, and nothing locks."""

# ruff: noqa: F811 - fixtures of another file
from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from data_dock import PATIENCE, data_tab, some_image, start_project
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_graft._napari.images import project_image
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft.core.errors import InputError
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.workbench.data.project_opening import remember_project

sys.path.insert(0, str(Path(__file__).parent))

from test_annotate_tab import FIRST, Painter, painter  # noqa: F401

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from conftest import MakeDock
    from napari_graft._qt.shell.docks import GraftDock


def lost_project(folder: Path) -> Path:
    """Make a project in a folder, and move its image away; return where that is now."""
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / "cortex.tif", some_image(70, 80))
    make_project(folder / "cortex.graft", ImageOptions(str(folder / "cortex.tif"))).close()
    remember_project(folder / "cortex.graft")
    moved = folder / "elsewhere" / "renamed.tif"
    moved.parent.mkdir()
    return (folder / "cortex.tif").rename(moved)


def test_recent_project_whose_image_was_moved_asks_for_it(
    make_dock: MakeDock, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = lost_project(tmp_path / "a")
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, some_image(70, 80)[::-1])
    dock = make_dock()
    tab, state = data_tab(dock), dock.workbench.data.state
    (link,) = tab.project.recent.content().findChildren(QPushButton)
    qtbot.mouseClick(link, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: state.lost is not None and not state.is_opening, timeout=PATIENCE)
    box = tab.project.lost
    assert "is missing" in box.words.text()
    assert box.isVisibleTo(tab)
    assert not box.take.isVisibleTo(tab)

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(other), ""))
    qtbot.mouseClick(box.find, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "is not the image" in box.words.text() and not state.is_opening, timeout=PATIENCE)
    assert box.take.isVisibleTo(tab)
    assert dock.workbench.context.project is None

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(moved), ""))
    qtbot.mouseClick(box.find, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)
    assert not box.isVisibleTo(tab)
    assert dock.workbench.context.require_project().image.path == str(moved)
    np.testing.assert_array_equal(np.asarray(dock.viewer.layers[0].data), some_image(70, 80))


@pytest.mark.parametrize("trouble", ["gone", "unreadable", "damaged", "no folder", "other image"])
def test_opening_ends_with_words_whatever_is_the_matter(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path, trouble: str
) -> None:
    moved = lost_project(tmp_path / "a")
    folder = tmp_path / "a" / "cortex.graft"
    moved.rename(tmp_path / "a" / "cortex.tif")
    if trouble == "gone":
        shutil.rmtree(folder)
    elif trouble == "unreadable":
        (tmp_path / "a" / "cortex.tif").write_bytes(b"II*\0 this is no image")
    elif trouble == "damaged":
        (folder / "project.json").write_bytes(b"{")
        (folder / "project.backup.json").unlink(missing_ok=True)
    elif trouble == "no folder":
        folder = folder / ("x" * 300)
    else:
        tifffile.imwrite(tmp_path / "a" / "cortex.tif", some_image(71, 80))
    state = dock.workbench.data.state

    dock.workbench.data.open_folder(folder)
    assert state.is_opening
    qtbot.waitUntil(lambda: not state.is_opening, timeout=PATIENCE)

    words = dock.strip.error.message or data_tab(dock).project.lost.words.text()
    assert words
    assert "unexpected" not in words
    dock.viewer.add_image(some_image(60, 60))
    start_project(dock, qtbot, tmp_path / "next.graft")


def test_recent_projects_are_listed_once_and_told_apart(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    for name in "ab":
        lost_project(tmp_path / name)
    context = dock.workbench.context
    for _ in range(4):
        context.tiles_changed.emit()
    recent = data_tab(dock).project.recent
    recent.expand(animate=False)
    context.tiles_changed.emit()

    shown = [link.text() for link in recent.content().findChildren(QPushButton) if not link.isHidden()]
    assert sorted(shown) == ["cortex (a)", "cortex (b)"]
    assert recent.content().maximumHeight() >= 2 * 15, "they take room"


def test_tiles_suit_the_image_of_a_project_that_is_opened_without_it(
    dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    lost_project(tmp_path / "a").rename(tmp_path / "a" / "cortex.tif")

    dock.workbench.data.open_folder(tmp_path / "a" / "cortex.graft")
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)

    assert dock.workbench.data.state.tile_side == 64
    assert data_tab(dock).image.currentText() == "cortex"
    assert "applies at once" in data_tab(dock).origin.text() or "Not known" in data_tab(dock).origin.text()


def test_image_that_is_moved_while_the_project_is_open_is_asked_for_and_all_goes_on(
    painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock, state = painter.dock, painter.dock.workbench.data.state
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painted = painter.labels.data.copy()
    project = dock.workbench.context.require_project()
    moved = tmp_path / "renamed.tif"
    pixels = np.asarray(project.volume.data[:])
    project.image.file.rename(moved)
    other = tmp_path / "other.tif"
    tifffile.imwrite(other, pixels[::-1] // 2)
    assert not dock.lost.isVisibleTo(dock)

    tab = dock.findChild(SourcesTab)
    assert tab is not None
    painter.click(tab.buttons.rank)
    painter.qtbot.waitUntil(lambda: state.lost is not None, timeout=60_000)
    assert dock.lost.isVisibleTo(dock)
    assert not data_tab(dock).project.lost.isVisibleTo(dock)
    assert "lacks its image" in dock.lost.words.text()
    painter.click(dock.lost.forget)
    assert not dock.lost.isVisibleTo(dock)
    dock.workbench.annotating.refused.emit("the image cannot be read")
    assert dock.lost.isVisibleTo(dock)

    for found, is_right in ((other, False), (moved, True)):
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, found=found: (str(found), ""))
        painter.click(dock.lost.find)
        painter.settle()
        assert dock.lost.isVisibleTo(dock) != is_right
    assert dock.workbench.context.project is project
    assert project.image.file == moved
    image = project_image(painter.viewer, project.folder)
    assert image is not None
    np.testing.assert_array_equal(np.asarray(image.data), pixels)
    np.testing.assert_array_equal(painter.labels.data, painted)
    painter.stroke((30, 20), (30, 44))
    assert painter.labels.data[30, 30] >= 2
    assert [layer.name for layer in painter.viewer.layers].count("image") == 1


def test_another_image_takes_the_place_of_a_lost_one_when_that_is_wanted(
    painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = painter.dock
    project = dock.workbench.context.require_project()
    other, pixels = tmp_path / "other.tif", np.asarray(project.volume.data[:])[::-1]
    tifffile.imwrite(other, pixels)
    project.image.file.unlink()
    dock.workbench.context.failures.tell(InputError("it cannot be read"))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(other), ""))

    painter.click(dock.lost.find)
    painter.settle()
    assert "is not the image" in dock.lost.words.text()
    painter.click(dock.lost.take)
    painter.settle()

    assert not dock.lost.isVisibleTo(dock)
    assert project.image.file == other
    np.testing.assert_array_equal(np.asarray(project.volume.data[:]), pixels)
