"""Kill a writer before each thing that it does to the disk, and at random moments: the project must open."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import ProjectBusyError
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.documents import WindowState
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project, open_project
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList, merged_queue
from napari_graft.sources.network_spec import ModelSpec

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

Paint = Callable[..., LabelledTile]
DRAWN = LabelledTile(Tile((40, 0), (20, 20)), np.full((20, 20), 3, np.uint32))
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}


def _run_in_child(work: Callable[[], None]) -> int:
    """Start `work` in a forked process and return its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def _is_killed(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _kill_self_before_change(number: int, folder: Path) -> None:
    """Let the process be killed right before its `number`-th call that may change something in `folder`."""
    changes = count()

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        inside = event in CHANGES and str(arguments[0]).startswith(str(folder))
        if inside and next(changes) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def _work_through(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0), 5), who="ada")
        project.accept(paint((20, 0), 2), who="ada")
        suggestion = StoredSuggestion(start=(0, 20), shape=(20, 20), score=0.5, reason="because")
        project.store_suggestions(SuggestionList(suggestions=(suggestion,)))
        project.store_queue(merged_queue(project.queue(), project.suggestions(), project.annotations.tiles()))
        project.store_window_state(WindowState(tab="annotate"))
        for value in (2, 3):
            project.draft(DRAWN.tile).append(np.full(DRAWN.tile.shape, value, np.uint32))
        project.vote("0001", ["fly"], DRAWN.tile, "ada")
        project.accept(DRAWN, who="ada", seconds=4)
        project.update_manifest(inverted=True)
        run = project.new_run("fly", ModelSpec())
        save_tensors(run.checkpoint_path, {"w": np.zeros(9, np.float32)}, {})
        save_tensors(run.weights_path, {"w": np.ones(9, np.float32)}, {})
        run.finish(stopped_by="budget", kept=True)


def _check_and_go_on(folder: Path, paint: Paint, caplog: pytest.LogCaptureFixture) -> None:
    reader = open_project(folder)
    tiles = reader.annotations.labelled_tiles()
    assert tiles[0].tile.start == (0, 0)
    for tile in tiles:
        assert np.unique(tile.labels).size == 1
    assert len(list(reader.journal.entries())) <= len(tiles) + 2
    assert len(reader.queue().tiles) in (0, 3)
    assert reader.window_state().tab in ("data", "annotate")
    draft = reader.draft(DRAWN.tile).restore()
    assert (draft is not None) == (reader.drafts() == [DRAWN.tile])
    assert draft is None or np.unique(draft).size == 1
    if reader.votes() and DRAWN.tile not in [tile.tile for tile in tiles]:  # painted, and not yet accepted
        assert draft is not None
        assert draft[0, 0] == 3
    for run in reader.runs.all():
        assert run.record.stopped_by is None or run.load_weights()["w"].all()
    assert len(reader.suggestions().suggestions) <= 1

    with open_project(folder, write=True) as project:
        project.accept(paint((40, 40), 9), who="bob")
        assert not list(folder.rglob(".*.partial"))
        assert len(project.annotations.labelled_tiles()) == len(tiles) + 1
        assert list(project.journal.entries())[-1].who == "bob"
        project.new_run("fly", ModelSpec())
    assert not caplog.records


def test_a_kill_before_any_change_on_the_disk_leaves_a_project_that_opens(
    tmp_path: Path, folder: Path, paint: Paint, caplog: pytest.LogCaptureFixture
) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0), 3), who="ada")

    for number in count():
        copy = tmp_path / str(number) / "p.graft"
        shutil.copytree(folder, copy)

        def work(number: int = number, copy: Path = copy) -> None:
            _kill_self_before_change(number, copy)
            _work_through(copy, paint)

        is_killed = _is_killed(_run_in_child(work))
        _check_and_go_on(copy, paint, caplog)
        if not is_killed:
            break

    assert number > 40


def test_a_kill_while_a_project_is_made_leaves_a_whole_one_or_none(
    tmp_path: Path, image: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in count():
        path = tmp_path / str(number) / "p.graft"

        def work(number: int = number, path: Path = path) -> None:
            _kill_self_before_change(number, path.parent)
            create_project(path, ImageChoice(str(image)))

        is_killed = _is_killed(_run_in_child(work))
        if path.exists():
            open_project(path, write=True).close()
        else:
            create_project(path, ImageChoice(str(image))).close()
        assert sorted(p.name for p in path.parent.iterdir()) == ["p.graft"]
        if not is_killed:
            break

    assert number > 8
    assert not caplog.records


def test_kills_at_random_moments_never_lose_what_was_accepted(
    folder: Path, paint: Paint, caplog: pytest.LogCaptureFixture
) -> None:
    """Paint one tile again and again, with rising numbers, and kill the painter at some number."""
    rng = random.Random(0)
    value = 1
    for _ in range(12):
        read_end, write_end = os.pipe()

        def work(value: int = value, write_end: int = write_end) -> None:
            with open_project(folder, write=True) as project:
                for number in count(value):
                    project.accept(paint((0, 0), number), who="ada")
                    os.write(write_end, b".")

        child = _run_in_child(work)
        n_accepted = 0
        for _ in range(rng.randrange(1, 12)):
            n_accepted += len(os.read(read_end, 1))
        os.kill(child, signal.SIGKILL)
        assert _is_killed(child)
        os.close(write_end)
        while os.read(read_end, 1):
            n_accepted += 1
        os.close(read_end)

        with open_project(folder, write=True) as project:
            (tile,) = project.annotations.labelled_tiles()
            # One more may be on the disk than the painter came to tell.
            assert int(tile.labels[0, 0]) in (value + n_accepted - 1, value + n_accepted)
            assert np.unique(tile.labels).size == 1
            n_notes = len(list(project.journal.entries()))
            assert n_notes >= value + n_accepted - 1 - 12
            value = int(tile.labels[0, 0]) + 1
    assert not caplog.records


def test_a_second_writer_is_told_who_writes_and_a_kill_frees_the_lock(folder: Path) -> None:
    read_end, write_end = os.pipe()

    def work() -> None:
        with open_project(folder, write=True):
            os.write(write_end, b".")
            signal.pause()

    child = _run_in_child(work)
    os.read(read_end, 1)

    with pytest.raises(ProjectBusyError, match=rf"process {child} on .*close it there"):
        open_project(folder, write=True)
    assert open_project(folder).manifest.name == "p"

    os.kill(child, signal.SIGKILL)
    assert _is_killed(child)
    open_project(folder, write=True).close()
    os.close(read_end)
    os.close(write_end)


def test_two_writers_in_one_process_exclude_each_other(folder: Path) -> None:
    first = open_project(folder, write=True)

    with pytest.raises(ProjectBusyError, match=f"process {os.getpid()}"):
        open_project(folder, write=True)

    first.close()
    first.close()
    open_project(folder, write=True).close()
