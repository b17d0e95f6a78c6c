"""A window that is closed and opened anew shows the project as it was left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from desk import SIDE, SOURCE, make_small_project

from napari_graft._napari.layers import find_layer, mark
from napari_graft._qt.annotate.tab import AnnotateTab
from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile
from napari_graft.io import open_label_sink
from napari_graft.io.weights import save_tensors
from napari_graft.io.writers.outputs import Outputs
from napari_graft.io.writers.sink import SinkOptions
from napari_graft.project.opening import open_project
from napari_graft.project.results import ResultRecord, ResultStore
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.next_step import TABS

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 60_000
SECOND = Tile((64, 64), (SIDE, SIDE))
MakeDock = Callable[..., "GraftDock"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project with three tiles to do and the results of two rounds."""
    folder = make_small_project(tmp_path)
    source, store = Catalogue().get(SOURCE), ResultStore(folder / "results")
    store.make_folder()
    options = SinkOptions(outputs=Outputs(project=folder))
    with open_project(folder, write=True) as project:
        for _ in range(2):
            run = project.new_run(SOURCE, source.card.spec, n_tiles=1)
            save_tensors(run.weights_path, source.load_weights(), {})
            run.finish(stopped_by="budget", kept=True)
            for path, dtype in ((store.labels_path(run.id), "u4"), (store.uncertainty_path(run.id), "f4")):
                sink = open_label_sink(path, (SIDE, SIDE), Axes(("y", "x")), dtype, options=options)
                sink.write(Tile((0, 0), (SIDE, SIDE)), np.zeros((SIDE, SIDE), dtype))
                sink.finish()
            store.add(ResultRecord(run=run.id, start=(0, 0), shape=(SIDE, SIDE), n_objects=0))
    return folder


def open_in(dock: GraftDock, qtbot: QtBot, folder: Path) -> None:
    dock.workbench.data.open_folder(folder)
    context = dock.workbench.context
    qtbot.waitUntil(lambda: context.project is not None and not context.jobs.active, timeout=PATIENCE)


def wait_for_tile(dock: GraftDock, qtbot: QtBot, tile: Tile) -> Labels:
    state = dock.workbench.annotating.state
    qtbot.waitUntil(lambda: state.painting is not None and state.painting.tile == tile, timeout=PATIENCE)
    layer = find_layer(dock.viewer, "labels", is_tile=True)
    assert isinstance(layer, Labels)
    return layer


def is_seen(dock: GraftDock, role: str, **details: str) -> bool:
    layer = find_layer(dock.viewer, role, **details)  # type: ignore[arg-type]  # one of the roles
    assert layer is not None
    return bool(layer.visible)


def work_at(dock: GraftDock, qtbot: QtBot) -> None:
    """Go to a tile by a click, choose what to paint with, hide some layers, and go to another tab."""
    dock.tabs.setCurrentIndex(TABS.index("annotate"))
    tab = dock.findChild(AnnotateTab)
    assert tab is not None
    qtbot.mouseClick(tab.strokes, Qt.MouseButton.LeftButton)
    tab.budget.setValue(5)
    place = tab.list.visualRect(tab.list.tiles.index(1)).center()
    QTest.mouseClick(tab.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    layer = wait_for_tile(dock, qtbot, SECOND)
    layer.selected_label = 9
    layer.brush_size = 4
    layer.data_setitem((np.array([3, 3]), np.array([3, 4])), 9)
    qtbot.mouseClick(tab.uncertainty, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_seen(dock, "result", run="0002"), timeout=PATIENCE)
    dock.viewer.layers["cells · round 1"].visible = True
    for layer in (find_layer(dock.viewer, "result", run="0002"), find_layer(dock.viewer, "tiles")):
        assert layer is not None
        layer.visible = False
    find_layer(dock.viewer, "image").name = "my cells"  # type: ignore[union-attr]  # there is one
    dock.tabs.setCurrentIndex(TABS.index("train"))


def test_what_was_shown_is_shown_again(make_dock: MakeDock, qtbot: QtBot, folder: Path) -> None:
    dock = make_dock(show=True)
    open_in(dock, qtbot, folder)
    work_at(dock, qtbot)
    # To close a viewer from a program removes its layers first, other than to close its window.
    qtbot.waitUntil(lambda: dock.workbench.window_state.current.layer == "my cells", timeout=PATIENCE)
    dock.viewer.close()
    dock = make_dock(show=True)

    open_in(dock, qtbot, folder)

    layer = wait_for_tile(dock, qtbot, SECOND)
    qtbot.waitUntil(lambda: layer.selected_label == 9, timeout=PATIENCE)
    assert layer.brush_size == 4
    assert layer.data[3, 3] == 9
    assert layer.mode == "paint"
    assert dock.tabs.currentIndex() == TABS.index("train")
    tab = dock.findChild(AnnotateTab)
    assert tab is not None
    assert tab.strokes.isChecked()
    assert tab.uncertainty.isChecked() == dock.workbench.annotating.state.shows_uncertainty
    assert tab.budget.value() == 5
    qtbot.waitUntil(lambda: not is_seen(dock, "result", run="0002"), timeout=PATIENCE)
    assert is_seen(dock, "result", run="0001")
    assert is_seen(dock, "image")
    qtbot.waitUntil(lambda: not is_seen(dock, "tiles", kind="queue"), timeout=PATIENCE)
    assert find_layer(dock.viewer, "image").name == "my cells"  # type: ignore[union-attr]  # there is one


def test_closing_the_project_keeps_how_layers_are_but_for_what_a_comparison_hides(
    make_dock: MakeDock, qtbot: QtBot, folder: Path
) -> None:
    dock = make_dock()
    for name in ("one name", "another name"):
        open_in(dock, qtbot, folder)
        image = find_layer(dock.viewer, "image")
        assert image is not None
        image.name = name
        if name == "another name":
            dock.viewer.add_labels(np.zeros((SIDE, SIDE), int), metadata=mark("preview"))
            image.visible = False

        dock.workbench.context.close_project()

        with open_project(folder) as project:
            assert project.window_state().layer == "one name"
            assert project.window_state().visible["image"]
