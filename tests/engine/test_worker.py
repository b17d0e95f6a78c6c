"""The side that works, in this process: its streams are lists of lines."""

from __future__ import annotations

import io
import os
import queue
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from tiny_loop import make_annotated

from napari_graft.core.errors import StorageError
from napari_graft.engine.protocol import (
    CancelJob,
    CloseJob,
    ErrorEvent,
    Event,
    ProgressEvent,
    ResultEvent,
    RunJob,
    read_event,
    to_line,
)
from napari_graft.engine.worker import Parent, Worker
from napari_graft.jobs import running
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.project.opening import open_project

pytestmark = pytest.mark.usefixtures("quick_training")


class _Requests:
    """Hand out lines when they come, as a pipe does."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def send(self, message: BaseModel) -> None:
        self._lines.put(to_line(message))

    def end(self) -> None:
        """End as a pipe does whose other side has died."""
        self._lines.put(None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines.get, None)


class _Events(io.StringIO):
    """Keep events, and tell a listener of each line."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Condition()

    def write(self, text: str) -> int:
        with self.arrived:
            written = super().write(text)
            self.arrived.notify_all()
        return written

    @property
    def all(self) -> list[Event]:
        return [read_event(line) for line in self.getvalue().splitlines()]


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("worker") / "p.graft", image, labels)


@pytest.fixture
def project(annotated: Path, tmp_path: Path) -> Path:
    shutil.copytree(annotated, tmp_path / "p.graft")
    return tmp_path / "p.graft"


def _serve(*messages: BaseModel) -> list[Event]:
    events = _Events()
    requests = io.StringIO("".join(to_line(message) for message in [*messages, CloseJob()]))
    Worker(requests, events).serve()
    return events.all


def _job(project: Path, **fields: object) -> RunJob:
    values = {"project": str(project), "source": "tiny-nuclei", "steps": 2, "device": "cpu"} | fields
    return RunJob.of(TrainRequest.model_validate(values))


def _with_listener(project: Path, *jobs: RunJob) -> list[Event]:
    """Serve jobs one after the other, each sent when the one before has answered."""
    requests, events = _Requests(), _Events()
    serving = threading.Thread(target=Worker(requests, events).serve)  # type: ignore[arg-type]
    serving.start()
    for n_answers, job in enumerate(jobs, 1):
        requests.send(job)
        with events.arrived:
            assert events.arrived.wait_for(lambda n=n_answers: _n_answers(events.all) == n, timeout=120)
        # A cancelling that comes too late for its job.
        requests.send(CancelJob())
    requests.send(CloseJob())
    serving.join(timeout=120)
    assert not serving.is_alive()
    return events.all


def _n_answers(events: list[Event]) -> int:
    return sum(not isinstance(event, ProgressEvent) for event in events)


def test_a_late_cancelling_does_not_meet_the_next_job(project: Path) -> None:
    events = _with_listener(project, _job(project), _job(project, seed=1))

    results = [event.value for event in events if isinstance(event, ResultEvent)]
    assert [result["stopped_by"] for result in results] == ["steps", "steps"]
    assert [result["run"] for result in results] == ["0001", "0002"]
    assert any(isinstance(event, ProgressEvent) and event.message == "training" for event in events)


def test_being_closed_stops_the_job_and_keeps_what_there_is(project: Path) -> None:
    (last,) = [e for e in _serve(_job(project, steps=10_000)) if not isinstance(e, ProgressEvent)]

    if isinstance(last, ResultEvent):
        assert last.value["stopped_by"] == "cancel"
        with open_project(project) as opened:
            assert opened.runs.get(str(last.value["run"])).is_finished
    else:  # stopped before the training began
        assert isinstance(last, ErrorEvent)
        assert last.error == "cancelled"
    with open_project(project, write=True):
        pass  # nobody holds it any more


def test_the_end_of_the_requests_without_a_word_abandons_the_job(project: Path) -> None:
    """Whoever asked has died: the process ends there and then, and the run can be gone on with."""
    requests, events, gone = _Requests(), _Events(), threading.Event()
    worker = Worker(requests, events, abandon=gone.set)  # type: ignore[arg-type]
    serving = threading.Thread(target=worker.serve, daemon=True)
    serving.start()
    requests.end()

    assert gone.wait(60)
    assert events.all == []


def test_a_job_whose_parent_is_gone_is_left_at_its_next_report(project: Path) -> None:
    requests = io.StringIO(to_line(_job(project, steps=10_000)) + to_line(CloseJob()))
    stranger = Parent(os.getpid())  # no process is its own parent

    def die() -> None:
        raise KeyboardInterrupt("the process ends here")

    with pytest.raises(KeyboardInterrupt):
        Worker(requests, _Events(), stranger, die).serve()


def test_a_mistake_of_the_user_and_a_crash_are_told_apart(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("by nought")

    def full(*arguments: object, **more: object) -> None:
        raise StorageError("the disk is full")

    wrong, missing = _job(project, source="nobody"), _job(project.with_name("nowhere.graft"))
    requests = io.StringIO(to_line(wrong) + to_line(missing) + to_line(CloseJob()))
    events = _Events()
    Worker(requests, events).serve()
    monkeypatch.setattr(running, "open_project", full)
    crashed = _serve(_job(project))
    monkeypatch.setattr(running, "open_project", crash)
    crashed += _serve(_job(project))

    answers = [event for event in [*events.all, *crashed] if isinstance(event, ErrorEvent)]
    assert [answer.error for answer in answers] == ["input", "input", "storage", "crash"]
    assert "'nobody'" in answers[0].message
    assert "nowhere.graft" in answers[1].message
    assert answers[3].message == "ZeroDivisionError: by nought"
    assert "the job failed" in caplog.text
