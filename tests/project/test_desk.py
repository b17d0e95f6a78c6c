from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.documents import WindowState
from napari_graft.project.opening import open_project


def test_the_window_state_is_found_as_it_was_left(folder: Path) -> None:
    state = WindowState(
        tab="annotate",
        start=(0, 20),
        shape=(20, 20),
        layer="em",
        label=7,
        brush=3.5,
        visible={"guess": False},
    )
    with open_project(folder, write=True) as project:
        assert project.window_state() == WindowState()
        project.store_window_state(state)

    assert open_project(folder).window_state() == state
    assert open_project(folder).window_state().tile == Tile((0, 20), (20, 20))
    assert WindowState().tile is None
    with pytest.raises(InputError, match="for reading"):
        open_project(folder).store_window_state(state)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"format_version": 2}',
        '{"tab": 3}',
        '{"start": [1, 2]}',
        '{"start": [1, 2], "shape": [0, 1]}',
        '{"brush": "Infinity"}',
    ],
)
def test_a_damaged_window_state_never_keeps_a_project_from_opening(folder: Path, text: str) -> None:
    (folder / "desk.json").write_text(text)

    with open_project(folder, write=True) as project:
        assert project.window_state() == WindowState()


def test_what_a_later_version_adds_is_passed_over(folder: Path) -> None:
    (folder / "desk.json").write_text(json.dumps({"tab": "train", "perspective": 3}))

    assert open_project(folder).window_state() == WindowState(tab="train")


def test_a_window_state_that_cannot_be_read_is_the_first_one(folder: Path) -> None:
    (folder / "desk.json").mkdir()

    assert open_project(folder).window_state() == WindowState()
