"""The trial in the tab Sources of a real napari: a click tries the sources in a worker process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_graft._qt.sources.tab import SourcesTab
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.session.training import trial_plan

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

LONG = 300_000
"""Milliseconds: a worker process has to load its libraries first."""
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
TILES = (Tile((0, 0), (64, 64)), Tile((64, 64), (64, 64)))
MAKE_PROJECT = """
import sys
from pathlib import Path
import tifffile
sys.path[:0] = sys.argv[2:]
from tiny_loop import make_sample, make_source
from napari_graft.session.projects.creation import ImageOptions, make_project
folder = Path(sys.argv[1])
for seed, name in enumerate(("first", "second")):
    make_source(folder / "sources" / name, name, seed=seed, structure="nuclei", title=f"The {name} source")
tifffile.imwrite(folder / "cells.tif", make_sample().image)
make_project(folder / "p.graft", ImageOptions(str(folder / "cells.tif"), structure="nuclei")).close()
"""


pytestmark = pytest.mark.usefixtures("quick_workers")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project in which two small sources were ranked.

    A process of its own makes them: this one must not load torch.
    """
    tests = Path(__file__).parents[1]
    places = [str(tests / "session"), str(tests)]
    subprocess.run([sys.executable, "-c", MAKE_PROJECT, str(tmp_path), *places], check=True)
    monkeypatch.setenv("NAPARI_GRAFT_SOURCES", str(tmp_path / "sources"))
    common = {"structure": "nuclei", "verdict": "near", "z": 5.0, "combined": 0.0}
    entries = [RankedEntry(source=one, title=f"The {one} source", **common) for one in ("first", "second")]
    with open_project(tmp_path / "p.graft", write=True) as opened:
        opened.store_ranking(StoredRanking(entries=tuple(entries)))
    return tmp_path / "p.graft"


def paint(dock: GraftDock, *tiles: Tile) -> None:
    context = dock.workbench.context
    appearance = Appearance(radius=9.0, noise=0.02, shot_noise=0.02)  # as of the image
    segments = generate_cells((128, 128), np.random.default_rng(0), appearance).segments
    for tile in tiles:
        labels = to_annotation(segments[tile.slices])
        context.require_project().accept(LabelledTile(tile, labels), who="test", seconds=60)
    context.tiles_changed.emit()


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_two_sources_compete_at_a_click(
    dock: GraftDock, qtbot: QtBot, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_plan, "SHORTEST", 0.1)
    bench = dock.workbench
    (tab,) = dock.findChildren(SourcesTab)
    box = tab.trial
    assert box.isHidden()
    dock.viewer.add_image(tifffile.imread(project.with_name("cells.tif")), name="cells")
    bench.data.open_folder(project)
    qtbot.waitUntil(lambda: bench.context.project is not None, timeout=LONG)
    bench.state.tab = "sources"
    bench.data.state.tile_side = 40
    bench.annotating.state.budget = 4
    box.minutes.setValue(0.2)

    assert not box.isHidden()
    assert (
        "try “The first source” and “The second source” on 2 tiles, 2 s of training each" in box.plan.text()
    )
    assert box.missing.text() == "2 tiles are still to be painted before that."
    click(qtbot, box.go_on)
    assert bench.state.tab == "annotate"

    paint(dock, *TILES)
    bench.state.tab = "sources"
    assert box.missing.isHidden()
    assert box.go_on.text() == "Try them"
    click(qtbot, box.go_on)
    assert not box.go_on.isEnabled()
    assert "Trying the sources" in [job.state.title for job in bench.context.jobs.active]
    qtbot.waitUntil(lambda: not bench.context.jobs.active, timeout=LONG)

    last = bench.trial.state.last
    assert last is not None, dock.strip.error.words.text()
    assert f"The {last.winner} source won" in box.winner.text()
    assert not box.outcome.isHidden()
    assert tab.in_use.text() == f"In use: The {last.winner} source"
    assert tab.minimumSizeHint().width() <= NARROWEST
