from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import StuckDraft, make_small_project
from window import PATIENCE, Window

from napari_graft.core.errors import ProjectBusyError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project

if TYPE_CHECKING:
    from promises import Promised


TILE = Tile((0, 0), (4, 4))


@pytest.fixture
def window() -> Iterator[Window]:
    window = Window()
    yield window
    window.workbench.close()


@pytest.fixture
def slow_draft(tmp_path: Path) -> Iterator[StuckDraft]:
    draft = StuckDraft(tmp_path / "draft", TILE)
    yield draft
    draft.may_go.set()


@pytest.fixture
def left(window: Window, slow_draft: StuckDraft, tmp_path: Path) -> Path:
    """Return the folder of a project that was left while the disk does not answer."""
    folder, context = make_small_project(tmp_path), window.workbench.context
    window.open(folder)
    context.drafts.submit(slow_draft, np.ones(TILE.shape, np.uint32))
    context.close_project()
    return folder


def test_leaving_a_project_waits_for_no_disk_and_lets_nobody_write_before_all_is_kept(
    window: Window, slow_draft: StuckDraft, tmp_path: Path, promised: Promised
) -> None:
    folder, context = make_small_project(tmp_path), window.workbench.context
    window.open(folder)
    context.drafts.submit(slow_draft, np.ones(TILE.shape, np.uint32))

    with promised(0.5):
        context.close_project()
    assert context.project is None
    assert not context.closing.wait(0.1)
    with pytest.raises(ProjectBusyError):
        open_project(folder, write=True)

    slow_draft.may_go.set()
    assert context.closing.wait(PATIENCE)
    open_project(folder, write=True).close()
    assert slow_draft.restore() is not None


def test_project_that_was_just_left_is_opened_again_once_it_is_saved(
    window: Window, slow_draft: StuckDraft, left: Path
) -> None:
    bench = window.workbench
    bench.data.open_folder(left)
    (job,) = [job for job in bench.context.jobs.active if job.state.title == "Opening the project"]
    while "waiting" not in job.state.message:
        window.step()
    assert bench.context.project is None
    slow_draft.may_go.set()
    window.wait()

    assert bench.context.project is not None
    assert not window.failures


def test_waiting_for_the_project_before_can_be_stopped(window: Window, left: Path) -> None:
    bench = window.workbench
    bench.data.open_folder(left)

    bench.context.jobs.cancel()
    window.wait()

    assert bench.context.project is None
    assert not bench.data.state.is_opening
