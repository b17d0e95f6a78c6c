from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from napari_graft.core.registry import CallFailed, call_aside


def test_what_a_call_returns_is_returned_and_the_streams_come_back() -> None:
    before = sys.stdin, sys.stdout

    assert call_aside(lambda: 7, 5) == 7
    assert (sys.stdin, sys.stdout) == before


@pytest.mark.parametrize("error", [SystemExit(2), KeyboardInterrupt(), ValueError("x"), BaseException("y")])
def test_whatever_a_call_raises_is_reported_and_ends_nothing(error: BaseException) -> None:
    def call() -> None:
        raise error

    with pytest.raises(CallFailed, match=type(error).__name__):
        call_aside(call, 5)


def test_a_loop_without_end_is_left_and_told_to_stop() -> None:
    ended = threading.Event()

    def call() -> None:
        try:
            while True:
                pass
        finally:
            ended.set()

    with pytest.raises(TimeoutError, match="did not answer"):
        call_aside(call, 0.1)
    assert ended.wait(20)


_PROFILED = """
import sys, threading
from napari_graft.core.registry import call_aside
try:
    call_aside(threading.Event().wait, 0.1)
except TimeoutError:
    sys.setprofile(lambda *event: None)
    (lambda: None)()
    sys.setprofile(None)
    print("went on")
"""


def test_a_program_goes_on_under_a_profiler_after_a_call_that_waits_for_ever() -> None:
    # In a process of its own: where the interpreter hangs, so would the tests.
    ran = subprocess.run(
        [sys.executable, "-c", _PROFILED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "went on\n")


def test_a_call_finds_no_input() -> None:
    with pytest.raises(CallFailed, match="EOFError"):
        call_aside(lambda: input("name? "), 5)
