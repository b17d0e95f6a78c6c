"""A real napari with our dock, closed again without leaving a thread or a process behind."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from napari import Viewer

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

MakeDock = Callable[..., "GraftDock"]


@pytest.fixture(autouse=True, scope="module")
def _quick_garbage_collection() -> None:
    """Let the collector pass over all that there is before a file of tests.

    napari collects garbage whenever a layer or a viewer goes. After some thousand tests in one process each
    of these takes seconds: a third of the time of the windows.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own sources and recent projects out of the tests."""
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def _nothing_unexpected(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let a test fail where the window told of an error that nobody meant to happen."""
    yield
    if request.node.get_closest_marker("breaks_down") is None:
        found = [
            record.getMessage()
            for record in caplog.get_records("call")
            if record.name.startswith("napari_graft.workbench") and record.levelno >= logging.ERROR
        ]
        assert not found


@pytest.fixture
def make_dock(make_napari_viewer: Callable[..., Viewer], qtbot: QtBot) -> Iterator[MakeDock]:
    """Return a function that opens a viewer with the dock; a second call opens a second viewer."""
    docks: list[GraftDock] = []

    def make(*, show: bool = False) -> GraftDock:
        from napari_graft._qt.shell.docks import GraftDock

        viewer = make_napari_viewer(show=show)
        dock = GraftDock(viewer)
        viewer.window.add_dock_widget(dock, name="Graft", area="right")
        docks.append(dock)
        return dock

    yield make
    for dock in docks:
        dock.workbench.close()


@pytest.fixture
def dock(make_dock: MakeDock) -> GraftDock:
    """Return the dock of a new viewer."""
    return make_dock()
