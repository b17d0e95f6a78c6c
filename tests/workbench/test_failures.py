"""What fails in a window is told in words, and nothing else waits for it or misses it."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable

import pytest
from psygnal import EmitLoopError, Signal

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.workbench.context import Context
from napari_graft.workbench.failures import Failures, failure_words
from napari_graft.workbench.jobs import JobRunner, RunningJob

Deliveries = queue.Queue[Callable[[], None]]


class Speaker:
    said = Signal(int)


@pytest.fixture
def deliveries() -> Deliveries:
    return queue.Queue()


def finish(job: RunningJob[object], deliveries: Deliveries) -> None:
    while job.state.is_active:
        deliveries.get(timeout=120)()


def do_nothing(report: Report, cancel: CancelToken) -> str:
    return "done"


def refuse(*_: object) -> None:
    raise InputError("the image is missing: put it back")


def break_down(*_: object) -> None:
    raise ZeroDivisionError("division by zero")


def test_words_meant_for_the_user_are_found_inside_what_signals_wrap() -> None:
    inner, outer = Speaker(), Speaker()
    inner.said.connect(refuse)

    def pass_on(words: object) -> None:
        inner.said.emit(words)

    outer.said.connect(pass_on)

    with pytest.raises(EmitLoopError) as caught:
        outer.said.emit(1)

    assert failure_words(caught.value) == "the image is missing: put it back"


@pytest.mark.parametrize(
    ("fail", "words"), [(refuse, "the image is missing"), (break_down, "ZeroDivisionError: division by zero")]
)
def test_guarded_listener_fails_alone(
    fail: Callable[..., None], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    heard: list[int] = []
    failures, speaker = Failures(), Speaker()
    failures.told.connect(told.append)
    speaker.said.connect(failures.guarded(fail))
    speaker.said.connect(failures.guarded(heard.append))
    speaker.said.connect(failures.guarded(lambda: heard.append(0)))

    with caplog.at_level(logging.ERROR):
        speaker.said.emit(7)

    assert heard == [7, 0]
    assert len(told) == 1
    assert words in told[0]
    assert bool(caplog.records) == (fail is break_down), "the log tells what nobody meant to happen"


@pytest.mark.parametrize(
    ("fail", "words"), [(refuse, "the image is missing"), (break_down, "ZeroDivisionError")]
)
def test_job_ends_with_words_whatever_takes_its_result(
    deliveries: Deliveries, fail: Callable[..., None], words: str
) -> None:
    runner, ended = JobRunner(deliveries.put), []
    speaker = Speaker()
    speaker.said.connect(fail)
    job = runner.start("Opening", do_nothing, lane="files", on_done=lambda _: speaker.said.emit(1))
    job.ended.connect(lambda: ended.append(True))

    finish(job, deliveries)

    assert (job.state.status, ended, runner.active) == ("failed", [True], ())
    assert words in job.state.error
    assert "EmitLoopError" not in job.state.error
    runner.close()


def test_job_ends_for_all_though_its_state_cannot_be_shown(deliveries: Deliveries) -> None:
    runner, ended, told = JobRunner(deliveries.put), [], []
    runner.failures.told.connect(told.append)
    job = runner.start("Opening", do_nothing, lane="files", on_done=lambda _: None)
    job.state.events.status.connect(break_down)
    job.ended.connect(lambda: ended.append("job"))
    runner.ended.connect(lambda _: ended.append("runner"))

    while "runner" not in ended:
        deliveries.get(timeout=120)()

    assert ended == ["job", "runner"]
    assert "ZeroDivisionError" in told[0]
    runner.close()


def test_task_that_exits_does_not_end_its_lane(deliveries: Deliveries) -> None:
    runner = JobRunner(deliveries.put)

    def leave(report: Report, cancel: CancelToken) -> None:
        raise SystemExit(3)

    first = runner.start("Asking a plugin", leave, lane="files", on_done=lambda _: None)
    second = runner.start("Reading", do_nothing, lane="files", on_done=lambda _: None)
    finish(first, deliveries)
    finish(second, deliveries)

    assert "SystemExit" in first.state.error
    assert second.state.status == "done"
    runner.close()


def test_part_of_a_window_that_fails_keeps_the_news_from_no_other(deliveries: Deliveries) -> None:
    context, heard, told = Context(deliveries.put), [], []
    context.failures.told.connect(told.append)
    context.hear(context.project_changed, break_down)
    context.hear(context.project_changed, lambda: heard.append("project"))

    context.close_project()

    assert heard == ["project"]
    assert "ZeroDivisionError" in told[0]
    context.close()
