"""Jobs in true worker processes: killed, cancelled, closed in the middle, and beside a writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from at_work import at_step, is_alive
from pydantic import BaseModel
from tiny_loop import make_annotated

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.engine.client import Engine
from napari_graft.engine.protocol import EngineError
from napari_graft.jobs.base import Request, TileBox
from napari_graft.jobs.builtin.merge import MergeRequest
from napari_graft.jobs.builtin.predict import PredictRequest
from napari_graft.jobs.builtin.preview import PreviewRequest
from napari_graft.jobs.builtin.rank import RankRequest
from napari_graft.jobs.builtin.suggest import SuggestRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.project.opening import open_project
from napari_graft.project.reports import TrainReport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")


if TYPE_CHECKING:
    from promises import Promised


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> str:
    return str(make_annotated(tmp_path / "p.graft", image, labels))


def _train(project: str, **fields: object) -> TrainRequest:
    values = {"project": project, "source": "tiny-nuclei", "seconds": 600, "device": "cpu"} | fields
    return TrainRequest.model_validate(values)


class _Running:
    """Run a job in a thread, as a window does, and keep how it ended."""

    def __init__(self, engine: Engine, job: Request[Any], step: int = 2) -> None:
        self.is_under_way = threading.Event()
        self.outcome: BaseModel | Exception | None = None
        self._thread = threading.Thread(target=self._go, args=(engine, job, step), daemon=True)
        self._thread.start()

    def _go(self, engine: Engine, job: Request[Any], step: int) -> None:
        report = at_step(step, self.is_under_way.set)
        try:
            self.outcome = engine.run(job, report=report, cancel=CancelToken())
        except Exception as error:
            self.outcome = error

    def wait(self) -> BaseModel | Exception | None:
        self._thread.join(240)
        assert not self._thread.is_alive()
        return self.outcome


def test_a_worker_killed_in_any_job_is_told_in_words_and_replaced(project: str, tmp_path: Path) -> None:
    box = TileBox(start=(0, 0), shape=(64, 64))
    preview = str(tmp_path / "p.safetensors")
    jobs: list[Request[Any]] = [
        RankRequest(project=project),
        SuggestRequest(project=project, tile=32),
        PredictRequest(project=project, out=str(tmp_path / "o.zarr"), source="tiny-nuclei"),
        MergeRequest(project=project, sources=("tiny-nuclei", "tiny-neurites"), steps=2),
        PreviewRequest(project=project, references=("tiny-nuclei",), tiles=(box,), out=preview),
    ]
    with Engine() as engine:
        seen = set()

        def kill(state: Progress) -> None:
            assert engine.process_id is not None
            seen.add(engine.process_id)
            os.kill(engine.process_id, signal.SIGKILL)

        for job in jobs:
            with pytest.raises(EngineError, match=rf"SIGKILL.*{job.kind} again"):
                engine.run(job, report=kill, cancel=CancelToken())
        result = engine.run(jobs[-1], report=ignore_progress, cancel=CancelToken())

    assert len(seen) == len(jobs)
    assert result.path == preview
    assert Path(preview).is_file()


@pytest.mark.usefixtures("eager_worker")
def test_a_merge_that_is_cancelled_is_waited_for_and_brings_home_the_best_so_far(project: str) -> None:
    cancel = CancelToken()

    def stop(state: Progress) -> None:
        if "loss" in state.metrics:
            cancel.cancel()

    job = MergeRequest(project=project, sources=("tiny-nuclei", "tiny-neurites"), seconds=60, device="cpu")
    with Engine() as engine:
        result = engine.run(job, report=stop, cancel=cancel)
    assert result.training.stopped_by == "cancel"
    assert set(result.recipe.references) == {"tiny-nuclei", "tiny-neurites"}


@pytest.mark.usefixtures("eager_worker")
def test_a_delegate_trains_while_this_process_paints(project: str) -> None:
    with open_project(project, write=True) as window, Engine(niceness=7) as engine:
        painted = LabelledTile(Tile((0, 64), (32, 32)), np.ones((32, 32), np.uint32))
        accepted: list[LabelledTile] = []

        def paint() -> None:
            if not accepted:
                accepted.append(window.accept(painted, who="ada"))
                assert engine.process_id is not None
                assert os.getpriority(os.PRIO_PROCESS, engine.process_id) == niceness
                session = Path(f"/proc/{engine.process_id}/autogroup")
                assert not session.exists() or session.read_text().endswith("nice 3\n")

        niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + 7, 19)
        with pytest.raises(InputError, match="is being written by process"):
            engine.run(_train(project, steps=3), report=ignore_progress, cancel=CancelToken())
        job = _train(project, steps=3, seconds=None, is_delegate=True)
        result = engine.run(job, report=at_step(1, paint), cancel=CancelToken())

        assert len(accepted) == 1
        assert window.runs.get(result.run).is_finished
        assert result.n_tiles == window.runs.get("0001").record.n_tiles == 2
        assert len(window.annotations.tiles()) == 3
    with open_project(project) as opened:
        assert len(opened.annotations.labelled_tiles()) == 3
        assert opened.runs.get("0001").is_finished


@pytest.mark.usefixtures("eager_worker")
def test_closing_stops_a_training_within_two_seconds_and_keeps_its_best(
    project: str, promised: Promised
) -> None:
    engine = Engine()
    running = _Running(engine, _train(project))
    assert running.is_under_way.wait(240)
    process = engine.process_id
    assert process is not None

    with promised(2):
        engine.close()

    assert not is_alive(process)
    assert isinstance(running.wait(), TrainReport | Cancelled)
    with open_project(project, write=True) as opened:
        run = opened.runs.get("0001")
        assert (run.is_finished and run.record.stopped_by == "cancel") or opened.runs.unfinished() == run
    with pytest.raises(Cancelled, match="closed"):
        engine.run(_train(project), report=ignore_progress, cancel=CancelToken())


@pytest.mark.usefixtures("eager_worker")
def test_a_training_killed_by_closing_can_be_resumed(project: str) -> None:
    engine = Engine()
    running = _Running(engine, _train(project))
    assert running.is_under_way.wait(240)
    process = engine.process_id
    assert process is not None
    os.kill(process, signal.SIGSTOP)  # as if it were inside a library for long

    engine.close(grace=0.1)

    assert not is_alive(process)
    assert isinstance(running.wait(), Cancelled)
    with open_project(project, write=True) as opened:
        unfinished = opened.runs.unfinished()
        assert unfinished is not None
        assert unfinished.id == "0001"


def test_a_job_that_does_not_answer_is_cancelled_within_a_second(project: str, promised: Promised) -> None:
    token, hold = CancelToken(), ExitStack()
    with Engine() as engine:

        def hang(state: Progress) -> None:
            assert engine.process_id is not None
            os.kill(engine.process_id, signal.SIGSTOP)
            hold.enter_context(promised(1.5))
            token.cancel()

        with pytest.raises(Cancelled):
            engine.run(RankRequest(project=project), report=hang, cancel=token)
        hold.close()

        # Nothing was asked of the next worker.
        with pytest.raises(Cancelled):
            engine.run(RankRequest(project=project), report=ignore_progress, cancel=token)


def test_a_listener_that_fails_spoils_no_later_job(project: str) -> None:
    def fail(state: Progress) -> None:
        raise ZeroDivisionError

    with Engine() as engine:
        with pytest.raises(ZeroDivisionError):
            engine.run(RankRequest(project=project), report=fail, cancel=CancelToken())
        job = SuggestRequest(project=project, tile=32, device="cpu")

        assert engine.run(job, report=ignore_progress, cancel=CancelToken()).suggestions


def test_the_side_that_waits_loads_no_torch() -> None:
    program = "import sys, napari_graft.engine.client; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
