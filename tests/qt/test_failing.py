"""What goes wrong in any handler is told in words, and the dock stays usable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_graft._qt.data.tab import DataTab
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft._qt.widgets import binding
from napari_graft.core.errors import InputError
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.workbench.sources.model import SourcesModel
from napari_graft.workbench.train.results import ResultsModel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from conftest import MakeDock
    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000
PIXELS = np.random.default_rng(0).integers(0, 255, (70, 80), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project that is not open."""
    import tifffile

    tifffile.imwrite(tmp_path / "cortex.tif", PIXELS)
    make_project(tmp_path / "cortex.graft", ImageOptions(str(tmp_path / "cortex.tif"))).close()
    return tmp_path / "cortex.graft"


def words_in(dock: GraftDock) -> str:
    return dock.strip.error.message


@pytest.mark.breaks_down
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("the disk is gone: plug it in"), "the disk is gone: plug it in"),
        (PermissionError(13, "Permission denied"), "PermissionError"),
    ],
)
def test_click_that_fails_is_told_in_the_strip(
    dock: GraftDock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(dock.viewer), "open_sample", fail)
    monkeypatch.setattr(SourcesModel, "rank", fail)
    (sources,) = dock.findChildren(SourcesTab)
    (tab,) = dock.findChildren(DataTab)

    qtbot.mouseClick(tab.sample, Qt.MouseButton.LeftButton)

    assert words in words_in(dock)
    dock.strip.error.clear()
    sources.buttons.rank.setEnabled(True)
    qtbot.mouseClick(sources.buttons.rank, Qt.MouseButton.LeftButton)
    assert words in words_in(dock)


@pytest.mark.breaks_down
def test_tab_that_cannot_show_a_project_does_not_lock_the_others(
    dock: GraftDock, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the file is damaged")

    monkeypatch.setattr(ResultsModel, "_store", fail)
    model = dock.workbench.data

    model.open_folder(folder)
    qtbot.waitUntil(lambda: not model.state.is_opening, timeout=PATIENCE)

    assert dock.workbench.context.project is not None
    assert len(dock.viewer.layers) == 1
    qtbot.waitUntil(lambda: not dock.workbench.context.jobs.active, timeout=PATIENCE)
    (tab,) = dock.findChildren(DataTab)
    qtbot.mouseClick(tab.project.close_project, Qt.MouseButton.LeftButton)
    assert dock.workbench.context.project is None


def test_errors_of_others_are_left_to_others(dock: GraftDock, monkeypatch: pytest.MonkeyPatch) -> None:
    passed_on: list[BaseException] = []
    hook, others = binding._hook, ValueError("of another plugin")
    monkeypatch.setattr(hook, "before", lambda kind, error, trace: passed_on.append(error))
    assert sys.excepthook is hook

    hook(ValueError, others, None)

    assert passed_on == [others]
    assert words_in(dock) == ""


@pytest.mark.breaks_down
def test_failure_is_told_in_the_window_where_it_happened(make_dock: MakeDock) -> None:
    first, second = make_dock(), make_dock()

    def fail(_: object) -> None:
        raise ZeroDivisionError

    from napari_graft._qt.widgets.binding import listen

    listen(second.strip, second.workbench.state.events.tab, fail)
    second.workbench.state.tab = "train"

    assert "ZeroDivisionError" in words_in(second)
    assert words_in(first) == ""
