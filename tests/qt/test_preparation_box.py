"""The offer to prepare the chosen source, in the tab Sources of a real napari."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import Qt

from napari_graft._qt.sources.tab import SourcesTab
from napari_graft._qt.train.tab import TrainTab

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

LONG = 300_000
NARROWEST = 232
MAKE_PROJECT = """
import sys
from pathlib import Path
import tifffile
sys.path[:0] = sys.argv[2:]
from tiny_loop import make_sample, make_source
from napari_graft.session.projects.creation import ImageOptions, make_project
folder = Path(sys.argv[1])
make_source(folder / "sources" / "first", "first", structure="nuclei", title="The first source")
tifffile.imwrite(folder / "cells.tif", make_sample().image)
make_project(folder / "p.graft", ImageOptions(str(folder / "cells.tif"), structure="nuclei")).close()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project and one small source, made by a process of its own: this one must not load torch."""
    tests = Path(__file__).parents[1]
    places = [str(tests / "session"), str(tests)]
    subprocess.run([sys.executable, "-c", MAKE_PROJECT, str(tmp_path), *places], check=True)
    monkeypatch.setenv("NAPARI_GRAFT_SOURCES", str(tmp_path / "sources"))
    return tmp_path / "p.graft"


def test_the_chosen_source_is_prepared_at_a_click(project: Path, dock: GraftDock, qtbot: QtBot) -> None:
    bench = dock.workbench
    (tab,) = dock.findChildren(SourcesTab)
    (training,) = dock.findChildren(TrainTab)
    assert tab.preparation is None
    bench.data.open_folder(project)
    qtbot.waitUntil(lambda: bench.context.project is not None, timeout=LONG)
    bench.state.tab = "sources"
    bench.sources.choose("first")
    box = tab.preparation
    assert box is not None
    assert not box.isHidden()
    assert "“The first source” can learn how your image looks" in box.words.text()
    assert box.go.text() == "Prepare it while I paint"
    assert box.minutes.native.text() == "3.0 min"

    box.more.expand(animate=False)
    assert box.more.box is not None
    assert list(box.more.box.form["objective"].choices) == ["masked", "moco", "dense"]
    box.more.box.form["steps"].value = "20"
    box.more.box.form["replay"].value = "distillation"
    qtbot.mouseClick(box.go, Qt.MouseButton.LeftButton)
    assert box.go.text() == "Stop preparing"
    qtbot.waitUntil(lambda: not bench.context.jobs.active, timeout=LONG)

    last = bench.preparation.state.last
    assert last is not None, dock.strip.error.words.text()
    assert (last.steps, last.pretraining.replay) == (20, ("distillation",))
    assert box.go.text() == "Prepare it again"
    shown = [training.start.itemText(i) for i in range(training.start.count())]
    assert ("Prepared: The first source" in shown) == last.is_changed
    assert tab.minimumSizeHint().width() <= NARROWEST
