"""A job in one file is found on the command line, in the worker, from Python and in a window."""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import napari_graft
from napari_graft.cli.app import run
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.engine.client import Engine
from napari_graft.jobs.base import Request
from napari_graft.jobs.registry import JOBS
from napari_graft.project.opening import open_project
from napari_graft.testing import JobContract
from napari_graft.workbench.context import Context
from napari_graft.workbench.plugin_jobs import JobModel

pytestmark = pytest.mark.usefixtures("toy")


def ask(project: Path, **fields: object) -> Request[Any]:
    return JOBS["count-bright"].request.model_validate({"project": str(project), **fields})


def test_the_command_line_shows_and_runs_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "count-bright" in capsys.readouterr().out
    assert run(["count-bright", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Count the bright pixels of the image" in shown
    assert "--above" in shown
    assert "Grey value that a bright pixel exceeds" in " ".join(shown.replace("│", " ").split())

    assert run(["count-bright", str(project), "--above", "100", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"n_bright": 100, "n_pixels": 64 * 48}
    assert run(["count-bright", str(project), "--above", "much"]) == 2
    assert run(["count-bright", str(project.with_name("nowhere.graft"))]) == 2


def test_the_worker_runs_it_with_progress_and_cancels_it(project: Path) -> None:
    told: list[Progress] = []
    with Engine() as engine:
        answer = engine.run(ask(project, above=100.0), report=told.append, cancel=CancelToken())
        assert (answer.n_bright, answer.n_pixels) == (100, 64 * 48)
        assert [state.message for state in told].count("counting") == 64

        token = CancelToken()
        with pytest.raises(Cancelled):
            engine.run(
                ask(project, repeats=100_000),
                report=lambda state: token.cancel() if state.message == "counting" else None,
                cancel=token,
            )
        with pytest.raises(InputError, match="nowhere"):
            engine.run(ask(project.with_name("nowhere.graft")), report=ignore_progress, cancel=CancelToken())


def test_python_runs_it_in_the_process_itself(project: Path) -> None:
    assert napari_graft.run_job(ask(project, above=100.0)).n_bright == 100


class Window:
    """The thread of a window, which takes what is delivered to it."""

    def __init__(self) -> None:
        self.callbacks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.context = Context(self.callbacks.put)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        ends = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < ends, "it did not happen in time"
            try:
                self.callbacks.get(timeout=0.2)()
            except queue.Empty:
                continue


@pytest.fixture
def window(project: Path) -> Iterator[Window]:
    made = Window()
    yield made
    made.context.close()


def test_a_window_runs_it_refuses_a_second_and_cancels_it(window: Window, project: Path) -> None:
    model, said = JobModel(window.context, JOBS["count-bright"]), []
    model.refused.connect(said.append)
    model.start()
    assert "Start a project first" in said.pop()
    window.context.take(open_project(project, write=True))
    model.start(above="much")
    assert "above" in said.pop()
    assert not model.state.is_running

    model.start(above=100.0)
    assert model.state.is_running
    window.wait_until(lambda: not model.state.is_running)
    assert model.state.answer.n_bright == 100

    model.start(repeats=100_000)
    window.wait_until(lambda: bool(model.state.fraction))
    model.start()
    assert "under way" in said.pop()
    model.cancel()
    window.wait_until(lambda: not model.state.is_running)
    assert model.state.message == "stopped"
    assert said == []


class TestToyJob(JobContract):
    """The contract of jobs, held by the toy."""

    @pytest.fixture(autouse=True)
    def _look_it_up(self, toy: Path) -> None:
        self.job = JOBS["count-bright"]

    @pytest.fixture
    def request_for_job(self, project: Path) -> Request[Any]:
        return ask(project, above=100.0)


def test_importing_the_package_looks_for_no_plugin() -> None:
    assert "count_bright" not in sys.modules
