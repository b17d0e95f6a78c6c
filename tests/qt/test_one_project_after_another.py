"""What was said about one project is not said about the next; keys of painting do nothing elsewhere."""

# ruff: noqa: F811 - fixtures of another file
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile

sys.path.insert(0, str(Path(__file__).parent))

from test_annotate_tab import FIRST, Painter, painter  # noqa: F401

from napari_graft._qt.train.tab import TrainTab
from napari_graft.session.projects.creation import ImageOptions, make_project


def test_nothing_that_was_said_of_a_project_is_left_in_the_next(painter: Painter, tmp_path: Path) -> None:
    dock, context = painter.dock, painter.dock.workbench.context
    painter.press("e")
    painter.wait_for(FIRST)
    painter.model.refused.emit("this tile is accepted already: paint it anew, or leave it as it is")
    dock.workbench.results.written.emit(tmp_path / "whole.tif", 3)
    dock.workbench.data.refused.emit("this project is open already")
    dock.strip.error.show_message("Training: it failed")
    context.note_saved()
    (train,) = dock.findChildren(TrainTab)
    assert "whole.tif" in train.result.written.text()
    pixels = np.random.default_rng(1).integers(0, 255, (200, 200), np.uint8)
    tifffile.imwrite(tmp_path / "next.tif", pixels)
    make_project(tmp_path / "next.graft", ImageOptions(str(tmp_path / "next.tif"))).close()

    context.close_project()
    assert "saved" not in dock.strip.status.text()
    dock.workbench.data.open_folder(tmp_path / "next.graft")
    painter.qtbot.waitUntil(lambda: context.project is not None, timeout=20_000)
    painter.settle()
    dock.workbench.state.tab = "train"

    assert painter.tab.message.isHidden()
    assert painter.tab.message.text() == ""
    assert train.result.written.isHidden()
    assert dock.strip.error.message == ""
    from napari_graft._qt.data.tab import DataTab

    assert dock.findChild(DataTab).project.refusal.isHidden()


def test_keys_of_painting_save_nothing_in_the_tab_compare(painter: Painter) -> None:
    painter.press("e")
    painter.wait_for(FIRST)
    painter.stroke((20, 20), (20, 44))
    painter.dock.workbench.state.tab = "compare"
    painter.viewer.window._qt_viewer.canvas.native.setFocus()

    for key in ("d", "d", "s", "w", "r", "e"):
        painter.press(key)
    painter.settle()

    assert painter.model.state.queue.n_done == 0
    assert painter.model.state.queue.find(FIRST).state == "to do"
    assert painter.model.state.current == FIRST
    assert "this key is for painting" in painter.dock.strip.error.message
    painter.dock.workbench.state.tab = "annotate"
    painter.press("w")
    painter.settle()
    assert painter.model.state.queue.find(FIRST).state == "unsure"
