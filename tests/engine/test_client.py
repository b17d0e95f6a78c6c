"""The side that waits, with a true worker process."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from at_work import at_step, is_alive
from tiny_loop import make_annotated

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.engine.client import Engine
from napari_graft.engine.protocol import EngineError
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.project.opening import open_project
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path / "p.graft", image, labels)


def _job(project: Path, **fields: object) -> TrainRequest:
    values = {"project": str(project), "source": "tiny-nuclei", "device": "cpu"} | fields
    return TrainRequest.model_validate(values)


@pytest.mark.usefixtures("eager_worker")
def test_a_killed_worker_is_told_in_words_and_the_run_goes_on_later(project: Path) -> None:
    with Engine() as engine:

        def kill() -> None:
            if engine.process_id is not None:
                os.kill(engine.process_id, signal.SIGKILL)

        with pytest.raises(EngineError, match=r"SIGKILL.*train again to go on"):
            engine.run(_job(project, steps=100_000), report=at_step(3, kill), cancel=CancelToken())

        with open_project(project, write=True) as opened:
            assert not opened.runs.get("0001").is_finished
            task = TrainingTask(opened, Catalogue(), ignore_progress, CancelToken())
            report = task.run("tiny-nuclei", Budget(None, 4, "cpu"))
        assert (report.run, report.resumed) == ("0001", True)
        assert report.steps >= 3


@pytest.mark.usefixtures("eager_worker")
def test_one_worker_serves_job_after_job_and_ends_with_the_engine(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file of the folder where the user is, with the name of a module that the worker needs.
    (tmp_path / "queue.py").write_text("raise SystemExit('the wrong queue')")
    monkeypatch.chdir(tmp_path)
    token = CancelToken()
    with Engine() as engine:
        assert engine.process_id is None
        first = engine.run(_job(project, steps=1), report=ignore_progress, cancel=CancelToken())
        process = engine.process_id
        assert process is not None
        with pytest.raises(InputError, match="'nobody'"):
            engine.run(_job(project, source="nobody", steps=1), report=ignore_progress, cancel=CancelToken())
        stopped = engine.run(
            _job(project, seconds=600, seed=1), report=at_step(2, token.cancel), cancel=token
        )
        assert engine.process_id == process
        assert is_alive(process)

    assert not is_alive(process)
    assert (first.stopped_by, first.steps) == ("steps", 1)
    assert stopped.stopped_by == "cancel"
    assert stopped.steps >= 2
    with open_project(project, write=True) as opened:
        assert opened.runs.get(str(stopped.run)).is_finished


def test_closing_an_engine_that_never_worked_does_nothing() -> None:
    engine = Engine()

    engine.close()

    assert engine.process_id is None
