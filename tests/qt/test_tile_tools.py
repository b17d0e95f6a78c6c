"""Tiles changed as a whole, and strokes on a tile that began with a guess, by clicks in the window."""
# ruff: noqa: F811 - fixtures of another file

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from test_annotate_tab import FIRST, SECOND, SIDE, SOURCE, Painter, painter  # noqa: F401
from test_strokes import keep_guess, segments

from napari_graft._napari.layers import find_layer
from napari_graft.core.labels import to_annotation
from napari_graft.core.tile import Tile
from napari_graft.workbench.annotate.suggesting import CandidateTile


def with_guess(painter: Painter) -> None:
    """Let the first two tiles begin with the guess of a source."""
    keep_guess(painter.folder)
    painter.dock.workbench.sources.choose(SOURCE)
    painter.settle()


def state_of(painter: Painter, tile: Tile) -> str:
    return painter.model.state.queue.find(tile).state


def test_strokes_on_a_tile_that_began_with_the_guess_are_all_that_is_saved(painter: Painter) -> None:
    with_guess(painter)
    painter.click(painter.tab.next)
    painter.wait_for(FIRST)
    np.testing.assert_array_equal(painter.labels.data, to_annotation(segments()))
    assert painter.labels.selected_label == 18
    painter.stroke((20, 20), (20, 44))
    n_painted = np.count_nonzero(painter.labels.data == 18)
    painter.click(painter.tab.strokes)
    painter.settle()
    assert np.count_nonzero(painter.labels.data) == n_painted > 0
    painter.press("z", Qt.KeyboardModifier.ControlModifier)  # nothing that the guess had put there comes back
    assert set(np.unique(painter.labels.data)) <= {0, 18}
    painter.click(painter.tab.done)
    painter.qtbot.waitUntil(lambda: state_of(painter, FIRST) == "done", timeout=60_000)
    stored = painter.dock.workbench.context.require_project().annotations.read(FIRST)
    assert not stored.complete
    assert np.count_nonzero(stored.labels) == n_painted

    painter.wait_for(SECOND)  # nothing is painted there
    painter.click(painter.tab.done)
    assert "nothing is painted" in painter.tab.message.text()
    assert state_of(painter, SECOND) == "to do"


def test_tiles_are_cleared_refilled_taken_out_added_and_imported_by_clicks(
    painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_guess(painter)
    tab = painter.tab
    painter.click(tab.next)
    painter.wait_for(FIRST)
    assert not tab.take_back.isVisibleTo(tab)
    painter.press("c")
    assert not painter.labels.data.any()
    painter.click(tab.take_back)
    painter.settle()
    assert painter.labels.data.all()
    painter.click(tab.clear)
    painter.click(tab.refill)
    painter.settle()
    assert painter.labels.data.all()
    assert not tab.withdraw.isEnabled()
    painter.click(tab.done)
    painter.wait_for(SECOND)
    painter.tab.list.chosen.emit(FIRST)
    painter.wait_for(FIRST)
    painter.settle()
    painter.click(tab.withdraw)
    painter.qtbot.waitUntil(lambda: state_of(painter, FIRST) == "to do", timeout=60_000)
    assert painter.labels.data.all()

    painter.viewer.scene.camera.center = (0, 200 * 650.0, 200 * 650.0)
    painter.dock.workbench.data.state.tile_side = SIDE
    painter.click(tab.paint_here)
    own = painter.model.state.current
    assert own is not None and own.start[0] > 150, tab.message.text()
    painter.wait_for(own)
    assert "chosen by you" in painter.model.state.queue.find(own).reason

    truth = np.zeros((256, 256), np.uint16)
    truth[70:90, 70:90] = 7
    tifffile.imwrite(tmp_path / "truth.tif", truth)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "truth.tif"), ""))
    painter.click(tab.labels.choose)
    painter.qtbot.waitUntil(lambda: state_of(painter, SECOND) == "done", timeout=60_000)
    assert "imported" in tab.message.text()


def test_the_tiles_among_which_was_chosen_hide_the_image_only_when_asked_for(painter: Painter) -> None:
    candidate = CandidateTile(start=(0, 0), shape=(SIDE, SIDE), uncertainty=0.5)
    painter.model.state.candidates = (candidate,)
    assert find_layer(painter.viewer, "tiles", kind="candidates") is None
    painter.click(painter.tab.candidates)
    assert find_layer(painter.viewer, "tiles", kind="candidates") is not None
    painter.click(painter.tab.candidates)
    assert find_layer(painter.viewer, "tiles", kind="candidates") is None


def test_a_mask_of_many_pieces_is_asked_about_and_answered_by_a_click(
    painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[80:90, 80:90] = mask[100:110, 100:110] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "mask.tif"), ""))
    box = painter.tab.labels
    assert not box.asked.isVisibleTo(painter.tab)

    painter.click(box.choose)
    painter.qtbot.waitUntil(lambda: box.asked.isVisibleTo(painter.tab), timeout=60_000)
    assert "mask of several pieces" in box.question.text()
    assert state_of(painter, SECOND) == "to do"
    painter.click(box.pieces)
    painter.qtbot.waitUntil(lambda: state_of(painter, SECOND) == "done", timeout=60_000)

    assert not box.asked.isVisibleTo(painter.tab)
    stored = painter.dock.workbench.context.require_project().annotations.read(SECOND)
    assert len(np.unique(stored.labels)) == 3


def test_another_source_brings_its_own_guess_to_the_open_tile(painter: Painter) -> None:
    with_guess(painter)
    keep_guess(painter.folder, "nuclei-he", np.full((SIDE, SIDE), 5, np.uint32))
    painter.click(painter.tab.next)
    painter.wait_for(FIRST)
    np.testing.assert_array_equal(painter.labels.data, to_annotation(segments()))
    from napari_graft._qt.sources.tab import SourcesTab

    tab = painter.dock.findChild(SourcesTab)
    assert tab is not None
    painter.dock.workbench.state.tab = "sources"
    tab.table.point_at("nuclei-he")
    painter.click(tab.buttons.use)
    painter.dock.workbench.state.tab = "annotate"

    expected = to_annotation(np.full((SIDE, SIDE), 5, np.uint32))
    painter.qtbot.waitUntil(lambda: bool((painter.labels.data == expected).all()), timeout=60_000)
    guess = find_layer(painter.viewer, "guess", is_tile=True)
    assert guess is not None
    painter.qtbot.waitUntil(lambda: bool((guess.data == expected).all()), timeout=60_000)
