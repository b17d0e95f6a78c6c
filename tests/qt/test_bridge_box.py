"""The bridge in the tab Sources of a real napari: two folders, a click, and a source that sees the image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from in_workers import run_in_workers
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft.sources.catalogue import Catalogue

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

LONG = 300_000
"""Milliseconds: a worker process has to load its libraries first."""
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
FEW_TILES = """
from napari_graft.scorers import found_objects
from napari_graft.session.bridging import assess, data
data.N_TILES, assess._N_CUTS, found_objects.N_TILES = {2: 4, 3: 2}, 8, {2: 2, 3: 1}
"""
MAKE_PROJECT = """
import sys
from pathlib import Path
import numpy as np, tifffile
sys.path[:0] = sys.argv[2:]
from looks import as_uint, draw, write_pairs
from tiny_loop import make_source
from napari_graft.session.projects.creation import ImageOptions, make_project
folder = Path(sys.argv[1])
make_source(folder / "sources" / "tiny", "tiny", n_steps=24, structure="nuclei", title="The tiny source")
tifffile.imwrite(folder / "rims.tif", as_uint(draw(77, 128, 24)[1], np.uint16))
make_project(folder / "p.graft", ImageOptions(str(folder / "rims.tif"), structure="nuclei")).close()
write_pairs(folder / "pairs")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with project, source and pairs, made by another process: this one must not load torch."""
    folder, tests = tmp_path_factory.mktemp("bridge"), Path(__file__).parents[1]
    places = [str(tests / "session"), str(tests / "bridging"), str(tests)]
    subprocess.run([sys.executable, "-c", MAKE_PROJECT, str(folder), *places], check=True)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the project, beside copies of the image and the pairs."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("NAPARI_GRAFT_SOURCES", str(tmp_path / "sources"))
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(tmp_path / "home"))
    return tmp_path / "p.graft"


def open_in(dock: GraftDock, qtbot: QtBot, project: Path) -> SourcesTab:
    bench = dock.workbench
    dock.viewer.add_image(tifffile.imread(project.with_name("rims.tif")), name="rims")
    bench.data.open_folder(project)
    qtbot.waitUntil(lambda: bench.context.project is not None, timeout=LONG)
    bench.state.tab = "sources"
    (tab,) = dock.findChildren(SourcesTab)
    assert isinstance(tab, SourcesTab)
    return tab


@pytest.mark.usefixtures("quick_workers")
def test_a_source_is_bridged_at_a_click_and_shown_among_the_others(
    dock: GraftDock, qtbot: QtBot, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in_workers(FEW_TILES, tmp_path, monkeypatch)
    workbench, tab = dock.workbench, open_in(dock, qtbot, project)
    box, model = tab.bridge, workbench.bridging
    box.expand(animate=False)
    assert not box.go_on.isEnabled()

    model.state.target, model.state.source = project.parent / "pairs/rims", project.parent / "pairs/filled"
    tab.table.point_at("tiny")
    model.options.set("steps", "3")
    qtbot.waitUntil(box.go_on.isEnabled)
    box.go_on.click()
    assert model.state.is_bridging
    assert not box.go_on.isEnabled()
    qtbot.waitUntil(lambda: not model.state.is_bridging, timeout=LONG)

    if shot := os.environ.get("GRAFT_SHOT"):
        dock.resize(420, 1400)
        qtbot.wait(500)
        box.grab().save(shot)
    assert "explains" in box.told.text()
    assert model.state.tiles is not None
    assert box.pictures.isVisibleTo(box)
    assert box.seen[1].pixmap().width() > 0
    assert tab.minimumSizeHint().width() <= NARROWEST
    added = [one.id for one in Catalogue().sources() if one.card.provenance is not None]
    assert bool(added) == model.state.is_kept
    assert set(added) <= {row.id for row in workbench.sources.state.rows}


def test_two_layers_make_a_pair(dock: GraftDock, qtbot: QtBot, project: Path) -> None:
    workbench, tab = dock.workbench, open_in(dock, qtbot, project)
    rng = np.random.default_rng(0)
    names = ("phase", "stain")
    for name in names:
        dock.viewer.add_image(rng.random((80, 80)), name=name)
    for combo, name in zip(tab.bridge.layers, names, strict=True):
        combo.setCurrentIndex(combo.findText(name))
        combo.activated.emit(combo.currentIndex())

    state = workbench.bridging.state
    assert state.target is not None
    assert state.source is not None
    assert [path.name for path in state.target.iterdir()] == [path.name for path in state.source.iterdir()]


def test_what_is_missing_is_said(dock: GraftDock, qtbot: QtBot, project: Path) -> None:
    tab = open_in(dock, qtbot, project)
    dock.workbench.bridging.bridge("tiny")

    assert "two folders" in tab.bridge.refusal.text()
