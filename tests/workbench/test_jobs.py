from __future__ import annotations

import queue
import threading
from collections.abc import Callable

import pytest

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.workbench.jobs import JobRunner, RunningJob


class Window:
    """Stand for the thread of the window: callbacks run when the test asks for it."""

    def __init__(self) -> None:
        self.callbacks: queue.Queue[Callable[[], None]] = queue.Queue()
        self.runner = JobRunner(self.callbacks.put)
        self.ended: list[str] = []
        self.runner.ended.connect(lambda job: self.ended.append(job.state.status))

    def run_until_ended(self, job: RunningJob[object]) -> None:
        while job.state.is_active:
            self.callbacks.get(timeout=120)()


@pytest.fixture
def window() -> Window:
    return Window()


def test_result_arrives_on_the_thread_of_the_window(window: Window) -> None:
    threads: list[threading.Thread] = []

    def task(report: Report, cancel: CancelToken) -> int:
        threads.append(threading.current_thread())
        return 42

    got: list[tuple[int, threading.Thread]] = []
    job = window.runner.start(
        "Counting", task, lane="short", on_done=lambda n: got.append((n, threading.current_thread()))
    )
    window.run_until_ended(job)

    assert got == [(42, threading.current_thread())]
    assert threads[0] is not threading.current_thread()
    assert window.ended == ["done"]


def test_progress_is_shown_as_share_and_the_newest_wins(window: Window) -> None:
    seen: list[Progress] = []
    is_reported = threading.Event()

    def note(progress: Progress) -> None:
        seen.append(progress)

    def task(report: Report, cancel: CancelToken) -> None:
        for done in range(1001):
            report(Progress(done, 1000, "counting"))
        is_reported.set()

    job = window.runner.start(
        "Counting",
        task,
        lane="short",
        on_done=lambda _: None,
        on_progress=note,
    )
    assert is_reported.wait(120)
    window.run_until_ended(job)

    assert seen[-1].done == 1000
    assert len(seen) < 10  # the window was busy: it was not flooded
    assert job.state.fraction == 1


def test_jobs_of_one_lane_take_turns_and_lanes_work_side_by_side(window: Window) -> None:
    order: list[str] = []
    may_end = threading.Event()

    def wait(report: Report, cancel: CancelToken) -> None:
        may_end.wait(120)
        order.append("long, first")

    def follow(report: Report, cancel: CancelToken) -> None:
        order.append("long, second")

    def look(report: Report, cancel: CancelToken) -> None:
        order.append("short")
        may_end.set()

    first = window.runner.start("Waiting", wait, lane="long", on_done=lambda _: None)
    second = window.runner.start("Following", follow, lane="long", on_done=lambda _: None)
    short = window.runner.start("Looking", look, lane="short", on_done=lambda _: None)
    for job in (first, second, short):
        window.run_until_ended(job)

    assert order == ["short", "long, first", "long, second"]


def test_stopped_job_ends_as_stopped_and_hands_nothing_over(window: Window) -> None:
    has_begun = threading.Event()

    def task(report: Report, cancel: CancelToken) -> None:
        has_begun.set()
        while True:
            cancel.raise_if_cancelled()

    job = window.runner.start("Working", task, lane="short", on_done=lambda _: pytest.fail("it was stopped"))
    assert has_begun.wait(120)
    job.cancel()
    assert job.state.status == "stopping"
    window.run_until_ended(job)

    assert job.state.status == "stopped"
    assert window.runner.active == ()


def test_job_stopped_while_it_waits_never_begins(window: Window) -> None:
    may_end = threading.Event()
    first = window.runner.start("First", lambda r, c: may_end.wait(120), lane="short", on_done=lambda _: None)
    second = window.runner.start(
        "Second", lambda r, c: pytest.fail("it was stopped before"), lane="short", on_done=lambda _: None
    )
    second.cancel()
    may_end.set()
    window.run_until_ended(first)
    window.run_until_ended(second)

    assert second.state.status == "stopped"


def test_what_the_user_did_wrong_is_told_in_the_words_of_the_error(window: Window) -> None:
    def task(report: Report, cancel: CancelToken) -> None:
        raise InputError("the image is blank: choose another")

    job = window.runner.start("Looking", task, lane="short", on_done=lambda _: None)
    window.run_until_ended(job)

    assert (job.state.status, job.state.error) == ("failed", "the image is blank: choose another")


def test_unexpected_failure_is_told_and_logged(window: Window, caplog: pytest.LogCaptureFixture) -> None:
    def task(report: Report, cancel: CancelToken) -> None:
        raise ZeroDivisionError("oh")

    job = window.runner.start("Looking", task, lane="short", on_done=lambda _: None)
    window.run_until_ended(job)

    assert job.state.status == "failed"
    assert "unexpected" in job.state.error
    assert "ZeroDivisionError" in caplog.text


def test_after_closing_nothing_is_delivered(window: Window) -> None:
    has_begun, may_end, has_ended = (threading.Event() for _ in range(3))

    def task(report: Report, cancel: CancelToken) -> None:
        has_begun.set()
        may_end.wait(120)
        has_ended.set()

    window.runner.start("Working", task, lane="short", on_done=lambda _: pytest.fail("closed"))
    assert has_begun.wait(120)
    window.runner.close()
    may_end.set()
    assert has_ended.wait(120)
    while not window.callbacks.empty():
        window.callbacks.get()()

    assert window.ended == []


def test_job_that_must_finish_is_done_though_all_are_asked_to_stop(window: Window) -> None:
    done: list[str] = []
    is_begun, may_go = threading.Event(), threading.Event()

    def read(report: Report, cancel: CancelToken) -> None:
        is_begun.set()
        may_go.wait(120)

    def write(report: Report, cancel: CancelToken) -> None:
        done.append("written")

    def look(report: Report, cancel: CancelToken) -> None:
        done.append("looked")

    start = window.runner.start
    start("Reading", read, lane="files", on_done=lambda _: None)
    start("Writing", write, lane="files", on_done=lambda _: None, must_finish=True)
    start("Looking", look, lane="files", on_done=lambda _: None)
    assert is_begun.wait(120)

    window.runner.cancel()
    window.runner.close()
    assert not window.runner.settle(0.01)
    may_go.set()

    assert window.runner.settle(10)
    assert done == ["written"]
