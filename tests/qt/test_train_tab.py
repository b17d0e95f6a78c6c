"""The tab Train in a real napari: clicks train in a worker process, and layers come of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from napari_graft._napari.layers import find_layer, our_layers
from napari_graft._qt.shell.workbenches import CloseGuard
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft._qt.train.outcome_box import ShareBar
from napari_graft._qt.train.tab import TrainTab
from napari_graft._qt.train.words import describe_outcome, describe_use
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.samples.appearance import Appearance
from napari_graft.samples.cells import generate_cells
from napari_graft.workbench.train.model import NO_PROJECT, NO_TILES
from napari_graft.workbench.train.rounds import ComparedModel, Round

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock
    from promises import Promised

LONG = 120_000
"""Milliseconds: a worker process has to load its libraries first."""
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
SAMPLE = generate_cells((128, 128), np.random.default_rng(0), Appearance(radius=9.0))
TILES = (Tile((0, 0), (64, 64)), Tile((64, 64), (64, 64)))
MAKE_SOURCE = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from tiny_loop import make_source
folder = Path(sys.argv[1])
make_source(folder / "tiny-nuclei", "tiny-nuclei", structure="nuclei", title="Tiny nuclei")
make_source(folder / "tiny-cells", "tiny-cells", seed=1, structure="cells", title="Tiny cells & more")
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give two small sources, made in a process of their own: this one must not load torch."""
    folder = tmp_path_factory.mktemp("sources")
    tests = Path(__file__).parents[1]
    places = [str(tests / "session"), str(tests)]
    subprocess.run([sys.executable, "-c", MAKE_SOURCE, str(folder), *places], check=True)
    return folder


@pytest.fixture
def bench_dock(
    make_dock: Callable[..., GraftDock], sources: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> GraftDock:
    monkeypatch.setenv("NAPARI_GRAFT_SOURCES", str(sources))
    dock = make_dock(show=True)
    dock.viewer.add_image(SAMPLE.image, name="cells", scale=(2, 2), units=("nm", "nm"))
    dock.workbench.state.tab = "train"
    return dock


def tab_of(dock: GraftDock) -> TrainTab:
    (tab,) = dock.findChildren(TrainTab)
    return tab


def start_project(dock: GraftDock, qtbot: QtBot, folder: Path) -> None:
    bench = dock.workbench
    bench.data.state.folder = folder
    bench.data.start_project()
    qtbot.waitUntil(lambda: bench.context.project is not None, timeout=LONG)


def paint(dock: GraftDock, *tiles: Tile) -> None:
    context = dock.workbench.context
    for tile in tiles:
        labels = to_annotation(SAMPLE.segments[tile.slices])
        context.require_project().accept(LabelledTile(tile, labels), who="test", seconds=60)
    context.tiles_changed.emit()


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def stop_training(dock: GraftDock, qtbot: QtBot) -> None:
    """Click the one button that stops it, in the strip."""
    stops = [one for one in dock.findChildren(QPushButton) if one.text() == "Stop" and one.isVisibleTo(dock)]
    assert len(stops) == 1
    click(qtbot, stops[0])


def wait_for_idle(dock: GraftDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dock.workbench.context.jobs.active, timeout=LONG)


def test_training_is_offered_once_a_tile_is_painted(
    bench_dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    had_torch = "torch" in sys.modules  # other tests of this process may have loaded it
    tab = tab_of(bench_dock)
    assert tab.obstacle.text() == NO_PROJECT
    assert not tab.train.isEnabled()

    start_project(bench_dock, qtbot, tmp_path / "p.graft")
    assert tab.obstacle.text() == tab.train.toolTip() == NO_TILES
    assert not tab.train.isEnabled()
    assert tab.plot.empty.isVisibleTo(tab)
    paint(bench_dock, TILES[0])

    assert tab.train.isEnabled()
    assert not tab.obstacle.isVisibleTo(tab)
    titles = [tab.start.itemText(i) for i in range(tab.start.count())]
    assert "Tiny nuclei" in titles
    assert titles[-1] == "from scratch"
    qtbot.waitUntil(lambda: tab.device.text() != "", timeout=LONG)
    assert ("torch" in sys.modules) == had_torch


@pytest.mark.usefixtures("quick_workers")
def test_a_round_is_trained_shown_as_layers_rolled_back_and_there_after_reopening(
    bench_dock: GraftDock,
    make_dock: Callable[..., GraftDock],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    had_torch = "torch" in sys.modules
    dock, tab = bench_dock, tab_of(bench_dock)
    start_project(dock, qtbot, tmp_path / "p.graft")
    paint(dock, *TILES)
    tab.start.setCurrentIndex(tab.start.findData("tiny-nuclei"))
    tab.minutes.value = 30
    image = dock.viewer.layers["cells"]
    dock.viewer.layers.selection.active = image

    click(qtbot, tab.train)
    assert tab.progress.isVisibleTo(tab)
    assert not tab.train.isEnabled()
    qtbot.waitUntil(lambda: tab.plot.plot is not None and tab.plot.loss.xData.size > 0, timeout=LONG)
    assert tab.plot.plot.isVisibleTo(tab)
    stop_training(dock, qtbot)
    qtbot.waitUntil(lambda: bool(dock.workbench.training.state.rounds), timeout=LONG)
    wait_for_idle(dock, qtbot)
    if tab.outcome.keep.isEnabled():  # a few steps do not always make it better
        click(qtbot, tab.outcome.keep)
    qtbot.waitUntil(lambda: find_layer(dock.viewer, "result") is not None, timeout=LONG)

    layer = dock.viewer.layers["cells · round 1"]
    assert isinstance(layer, Labels)
    assert layer.visible
    assert not layer.editable
    assert not layer.multiscale
    np.testing.assert_array_equal(layer.scale, image.scale)
    assert layer.units == image.units
    assert isinstance(dock.viewer.layers["cells · uncertainty, round 1"], Image)
    assert dock.viewer.layers.selection.active is image
    assert "stopped on request" in tab.outcome.words.text()
    assert tab.start.currentText() == "round 1 (in use)"
    assert not tab.plot.empty.isVisibleTo(tab)
    assert tab.is_worth_it.isVisibleTo(tab)
    assert tab.worth.advice.text() == dock.workbench.training.state.advice != ""

    target = tmp_path / "whole.zarr"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    click(qtbot, tab.result.whole)
    qtbot.waitUntil(lambda: tab.result.written.text() != "", timeout=LONG)
    assert target.is_dir()
    qtbot.waitUntil(lambda: "cells · whole.zarr" in dock.viewer.layers, timeout=LONG)
    whole = dock.viewer.layers["cells · whole.zarr"]
    assert isinstance(whole, Labels)
    assert whole.visible
    assert not whole.editable
    np.testing.assert_array_equal(whole.scale, image.scale)
    assert whole.units == image.units
    assert "shown" in tab.result.written.text()

    click(qtbot, tab.outcome.roll_back)
    qtbot.waitUntil(lambda: tab.result._layers.shown is None, timeout=LONG)
    assert not layer.visible
    assert "rolled it back" in tab.outcome.use.text() or "by itself" in tab.outcome.use.text()
    click(qtbot, tab.outcome.keep)
    qtbot.waitUntil(lambda: layer.visible, timeout=LONG)
    wait_for_idle(dock, qtbot)
    assert ("torch" in sys.modules) == had_torch
    dock.workbench.close()

    again = make_dock()
    again.viewer.add_image(SAMPLE.image, name="cells", scale=(2, 2), units=("nm", "nm"))
    again.workbench.data.open_folder(tmp_path / "p.graft")
    qtbot.waitUntil(lambda: find_layer(again.viewer, "result") is not None, timeout=LONG)
    (reopened,) = our_layers(again.viewer, "result", run="0001")
    assert reopened.name == "cells · round 1"
    assert reopened.visible
    np.testing.assert_array_equal(reopened.scale, image.scale)
    qtbot.waitUntil(lambda: "cells · whole.zarr" in again.viewer.layers, timeout=LONG)
    np.testing.assert_array_equal(again.viewer.layers["cells · whole.zarr"].scale, image.scale)
    assert tab_of(again).result.written.isHidden()
    assert tab_of(again).outcome.words.text() == tab.outcome.words.text()
    assert not tab_of(again).plot.empty.isVisibleTo(tab_of(again))


@pytest.mark.usefixtures("quick_workers")
def test_ticked_sources_are_merged_by_a_click_and_the_round_shows_what_it_is_made_of(
    bench_dock: GraftDock, qtbot: QtBot, tmp_path: Path
) -> None:
    dock, tab = bench_dock, tab_of(bench_dock)
    (sources,) = dock.findChildren(SourcesTab)
    start_project(dock, qtbot, tmp_path / "p.graft")
    dock.workbench.state.tab = "sources"
    merge = sources.buttons.merge
    dock.workbench.sources.tick("tiny-nuclei", True)
    assert not merge.isEnabled()
    dock.workbench.sources.tick("tiny-cells", True)
    click(qtbot, merge)
    assert sources.refusal.text() == NO_TILES

    paint(dock, *TILES)
    tab.minutes.value = 30
    click(qtbot, merge)
    assert dock.workbench.state.tab == "train"
    assert sources.refusal.isHidden()
    training = dock.workbench.training
    qtbot.waitUntil(lambda: training.state.steps > 0, timeout=LONG)
    stop_training(dock, qtbot)
    qtbot.waitUntil(lambda: bool(training.state.rounds), timeout=LONG)
    wait_for_idle(dock, qtbot)

    shares = tab.outcome.shares
    assert shares.isVisibleTo(tab)
    assert "merged from" in tab.outcome.words.text()
    assert "% of Tiny nuclei" in shares.words.text()
    assert "Tiny cells &amp; more" in shares.legend.text()
    bars = shares.findChildren(ShareBar)
    assert [sum(bar.shares) for bar in bars] == pytest.approx([1] * len(bars))
    assert len(bars) == 3, "two levels on the way down and one on the way back"
    assert tab.minimumSizeHint().width() <= NARROWEST


def test_closing_the_window_while_training_asks_and_leaves_a_project_that_opens(
    bench_dock: GraftDock,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    promised: Promised,
) -> None:
    dock, tab = bench_dock, tab_of(bench_dock)
    start_project(dock, qtbot, tmp_path / "p.graft")
    paint(dock, *TILES)
    click(qtbot, tab.train)
    training = dock.workbench.training
    qtbot.waitUntil(lambda: training.state.steps > 0, timeout=LONG)
    asked: list[str] = []

    def answer(choice: QMessageBox.StandardButton) -> Callable[..., QMessageBox.StandardButton]:
        def question(*words: object) -> QMessageBox.StandardButton:
            asked.append(str(words[2]))
            return choice

        return question

    # The guard is asked as by the window; what is left of the window is closed by the fixture.
    window = dock.viewer.window._qt_window
    guard = window.findChild(CloseGuard)
    monkeypatch.setattr(QMessageBox, "question", answer(QMessageBox.StandardButton.Cancel))
    event = QCloseEvent()
    assert guard.eventFilter(window, event)
    assert not event.isAccepted()
    assert "Training is under way" in asked[0]
    assert training.state.is_training
    monkeypatch.setattr(QMessageBox, "question", answer(QMessageBox.StandardButton.Yes))
    with promised(2):
        assert not guard.eventFilter(window, QCloseEvent())

    assert len(asked) == 2
    with open_project(tmp_path / "p.graft", write=True) as project:
        (run,) = project.runs.all()
        assert run.record.stopped_by == "cancel" or project.runs.unfinished() is not None


def _round(new: ComparedModel, **changes: object) -> Round:
    rival = ComparedModel("source", 0.6, 0.4, quality=0.5)
    known = {
        "run_id": "0001",
        "start": "Fly",
        "n_tiles": 4,
        "steps": 60,
        "seconds": 9.0,
        "stopped_by": "steps",
    }
    known |= {"is_kept": True, "is_in_use": True, "measure": "ap50", "models": (new, rival), "history": ()}
    return Round(**(known | changes))  # type: ignore[arg-type]  # names and types are those above


def test_the_words_of_a_round_follow_the_objects_and_not_the_loss() -> None:
    worse = _round(ComparedModel("new", 0.5, 0.2, quality=0.3), is_kept=False)
    better = _round(
        ComparedModel("new", 0.7, 0.9, quality=0.6), choice="kept half of the way from the source"
    )

    assert describe_outcome(worse).startswith("Worse than the untouched source")
    assert "put aside by itself" in describe_use(worse)
    assert describe_outcome(better).startswith("Better than the untouched source")
    assert describe_outcome(better).endswith(" Kept half of the way from the source.")
    assert "took over by itself" in describe_use(better)


def test_a_round_without_an_object_was_not_rolled_back_by_the_user() -> None:
    nothing = _round(ComparedModel("new", None, 0.0), is_kept=False, has_objects=False)

    assert describe_use(nothing) == "Not in use: no object was painted to learn from."
    kept = _round(ComparedModel("new", None, 0.0), has_objects=False)
    assert "because you kept it" in describe_use(kept)
