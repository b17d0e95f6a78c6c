"""A process that trains on behalf of the one that holds the project for writing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_delegate, open_project
from napari_graft.project.tile_queue import SuggestionList
from napari_graft.sources.network_spec import ModelSpec

Paint = Callable[..., LabelledTile]


def test_a_delegate_writes_runs_while_the_writer_holds_the_project(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as writer, open_delegate(folder) as delegate:
        writer.accept(paint((0, 0), 3), who="ada")
        run = delegate.new_run("fly", ModelSpec())
        save_tensors(run.weights_path, {"w": np.ones(3, np.float32)}, {})
        run.finish(stopped_by="time", kept=True)
        writer.accept(paint((20, 0), 2), who="ada")

        latest = writer.latest_run()
        assert latest is not None
        assert (latest.id, latest.record.n_tiles) == ("0001", 1)
        assert len(delegate.annotations.tiles()) == 2


def test_a_delegate_writes_nothing_else(folder: Path, paint: Paint) -> None:
    delegate = open_delegate(folder)

    assert not delegate.is_writable
    with pytest.raises(InputError, match="open for reading"):
        delegate.accept(paint((0, 0), 3), who="ada")
    with pytest.raises(InputError, match="open for reading"):
        delegate.store_suggestions(SuggestionList())
    with pytest.raises(InputError, match="open for reading"):
        delegate.update_manifest(inverted=True)
    with pytest.raises(InputError, match="open for reading"):
        open_project(folder).runs.start("fly", ModelSpec(), 1)


def test_a_delegate_leaves_what_the_writer_is_just_writing(folder: Path) -> None:
    unfinished = folder / ".project.json.partial"
    with open_project(folder, write=True):
        unfinished.write_text("{")
        open_delegate(folder).close()

        assert unfinished.exists()
    open_project(folder, write=True).close()
    assert not unfinished.exists()


def test_a_run_counts_the_tiles_that_were_read_for_it(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0), 3), who="ada")
        project.accept(paint((20, 0), 2), who="ada")

        assert project.new_run("fly", ModelSpec(), n_tiles=1).record.n_tiles == 1


def test_a_delegate_of_no_project_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no project is at .*nowhere\.graft"):
        open_delegate(tmp_path / "nowhere.graft")
