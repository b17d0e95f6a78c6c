"""One click makes annotated tiles of what was proofread, and the list of tiles knows them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_proofreading import LEFT, LONE, RIGHT, Proofreader, make_with_result
from window import Window

from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project


@pytest.fixture
def proofreader(graft_window: Window, tmp_path: Path) -> Proofreader:
    found = Proofreader(graft_window, make_with_result(tmp_path))
    found.open()
    found.window.workbench.data.state.tile_side = 64
    return found


def test_what_was_corrected_is_trained_on_in_the_next_round(proofreader: Proofreader) -> None:
    workbench = proofreader.window.workbench
    proofreader.use("merge", LEFT, RIGHT)
    proofreader.use("delete", LONE)
    workbench.proofread_tiles.take_checked()
    proofreader.window.wait()
    assert proofreader.said[-1].startswith("2 tiles are annotated"), proofreader.refused

    states = [queued.state for queued in workbench.annotating.state.queue.tiles]
    assert states == ["done", "done"]
    with open_project(proofreader.folder) as project:
        first, second = project.annotations.labelled_tiles()
    assert not first.complete and not second.complete
    assert set(np.unique(first.labels)) == {0, 1, 2}
    assert (first.labels == 2).sum() == 20 * 60
    assert set(np.unique(second.labels)) == {0, 1}

    workbench.proofread_tiles.take_checked()  # all of it is in a tile by now
    proofreader.window.wait()
    assert "nothing was corrected or accepted" in proofreader.refused[-1]


def test_a_view_is_taken_whole_and_not_twice(proofreader: Proofreader) -> None:
    workbench = proofreader.window.workbench
    tile = Tile((32, 16), (64, 64))
    workbench.proofread_tiles.take_view(tile)
    proofreader.window.wait()
    with open_project(proofreader.folder) as project:
        stored = project.annotations.read(tile)
    assert stored.complete
    assert set(np.unique(stored.labels)) == {1, 2, 3}
    workbench.proofread_tiles.take_view(tile)
    assert "here already" in proofreader.refused[-1]
