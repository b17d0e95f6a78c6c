from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import SIDE, make_small_project
from window import PATIENCE, Window

from napari_graft.core.errors import StorageError
from napari_graft.core.tile import Tile
from napari_graft.project.documents import WindowState
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import TileQueue

FIRST, SECOND = Tile((0, 0), (SIDE, SIDE)), Tile((64, 64), (SIDE, SIDE))
MakeWindow = Callable[[], Window]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_small_project(tmp_path)


@pytest.fixture
def make_window(few_sources: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWindow]:
    # Leave out the waiting for the disk; that it is asked for is tested where it is done.
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    windows: list[Window] = []

    def make() -> Window:
        windows.append(Window())
        return windows[-1]

    yield make
    for window in windows:
        window.workbench.close()


def work_at(window: Window, folder: Path) -> None:
    """Go to a tile and change all that is kept."""
    window.open(folder)
    bench = window.workbench
    bench.annotating.set_sparse(True)
    bench.annotating.go_to(SECOND)
    window.wait()
    bench.annotating.state.budget = 11
    bench.annotating.state.shows_guess = False
    bench.annotating.state.shows_uncertainty = True
    bench.training.state.minutes = 4.5
    bench.data.state.tile_side = 96
    bench.state.tab = "train"
    bench.window_state.note_layers("my image", {"image": True, "result 0001": False})
    bench.window_state.note_tools(7, 13.0)


@pytest.mark.parametrize("way", ["project", "window"])
def test_all_is_as_it_was_when_the_project_is_opened_anew(
    make_window: MakeWindow, folder: Path, way: str
) -> None:
    first = make_window()
    work_at(first, folder)
    if way == "project":
        first.workbench.context.close_project()
        assert first.workbench.context.closing.wait(PATIENCE)
    else:
        first.workbench.close()

    second = make_window()
    found: list[WindowState] = []
    second.workbench.window_state.found.connect(found.append)
    second.open(folder)

    bench = second.workbench
    state = bench.annotating.state
    assert bench.state.tab == "train"
    assert state.current == SECOND
    assert state.painting is not None
    assert state.painting.tile == SECOND
    assert (state.is_sparse, state.budget, state.shows_guess, state.shows_uncertainty) == (
        True,
        11,
        False,
        True,
    )
    assert (bench.training.state.minutes, bench.data.state.tile_side) == (4.5, 96)
    (state,) = found
    assert (state.layer, state.label, state.brush) == ("my image", 7, 13.0)
    assert state.visible == {"image": True, "result 0001": False, "guess": False, "uncertainty": True}


def test_desk_is_written_while_one_works_and_the_window_does_not_wait_for_it(
    make_window: MakeWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make_window()
    window.open(folder)
    store, writers = Project.store_window_state, []

    def noted(project: Project, state: WindowState) -> None:
        writers.append(threading.current_thread())
        store(project, state)

    monkeypatch.setattr(Project, "store_window_state", noted)

    window.workbench.state.tab = "sources"
    window.workbench.window_state.note_tools(3, 10.0)
    window.workbench.window_state.note_tools(3, 10.0)
    window.wait()

    assert len(writers) == 2  # what has not changed is not written again
    assert threading.current_thread() not in writers
    with open_project(folder) as reader:
        assert (reader.window_state().tab, reader.window_state().label) == ("sources", 3)


def test_desk_of_one_project_does_not_reach_the_next(
    make_window: MakeWindow, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = make_small_project(tmp_path / "other")
    window = make_window()
    work_at(window, folder)

    window.open(other)
    window.workbench.window_state.note_tools(2, 5.0)
    window.wait()

    with open_project(folder) as one, open_project(other) as two:
        assert (one.window_state().tile, one.window_state().label) == (SECOND, 7)
        assert (two.window_state().tile, two.window_state().label) == (None, 2)


def test_user_who_went_on_before_the_desk_was_read_is_left_alone(
    make_window: MakeWindow, folder: Path
) -> None:
    with open_project(folder, write=True) as project:
        project.store_window_state(WindowState(tab="train", start=SECOND.start, shape=SECOND.shape))
    window = make_window()

    window.workbench.context.take(open_project(folder, write=True))
    window.workbench.state.tab = "sources"
    window.workbench.annotating.go_to(FIRST)
    window.wait()

    assert window.workbench.state.tab == "sources"
    assert window.workbench.annotating.state.current == FIRST


def test_tile_that_is_no_longer_in_the_list_is_not_opened(make_window: MakeWindow, folder: Path) -> None:
    with open_project(folder, write=True) as project:
        project.store_queue(TileQueue())
        project.store_window_state(
            WindowState(tab="a tab of a later version", start=SECOND.start, shape=SECOND.shape)
        )
    window = make_window()

    window.open(folder)

    assert window.workbench.state.tab == "data"
    assert window.workbench.annotating.state.current is None
    assert window.failures == []


def test_full_disk_costs_no_more_than_the_desk(
    make_window: MakeWindow,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    window = make_window()
    window.open(folder)

    def refuse(project: Project, state: WindowState) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(Project, "store_window_state", refuse)
    window.workbench.state.tab = "train"
    window.wait()

    assert window.failures == []
    assert "the disk is full" in caplog.text
