"""Signals that ask a command to stop, before it is at work, while it is, and after."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_loop import make_annotated

from napari_graft.cli.console import progress
from napari_graft.core.progress import Progress
from napari_graft.session.projects import creation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

Graft = Callable[..., Any]
WISHES = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
ENTRY = "from napari_graft.cli import main; main()"


def _at_import_of(module: str, number: int, entry: str = ENTRY) -> list[str]:
    """Return a command that is sent a signal when it begins to load a module."""
    program = f"""
import os, sys
class Press:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Press())
{entry}
"""
    return [sys.executable, "-c", program]


@pytest.mark.parametrize("number", WISHES)
@pytest.mark.parametrize("module", ["cyclopts", "rich.console", "napari_graft.cli.app", "pydantic"])
def test_a_signal_while_libraries_are_loaded_ends_the_command_without_a_traceback(
    number: int, module: str
) -> None:
    done = subprocess.run(
        [*_at_import_of(module, number), "info", "nowhere.graft"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "stopped; what was finished is kept\n"


@pytest.mark.parametrize("module", ["napari_graft.jobs.builtin.rank", "napari_graft.engine.client"])
def test_a_signal_while_a_command_loads_what_it_needs_is_no_traceback(
    tmp_path: Path, image: Path, labels: Path, module: str
) -> None:
    folder = make_annotated(tmp_path / "p.graft", image, labels)
    done = subprocess.run(
        [*_at_import_of(module, signal.SIGINT), "rank", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (130, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("stopped; what was finished is kept\n")


@pytest.mark.parametrize("name", ["napari_graft", "napari_graft.cli"])
def test_what_comes_before_the_signals_are_heard_loads_next_to_nothing(name: str) -> None:
    program = f"import sys; before = set(sys.modules); import {name}; print(*set(sys.modules) - before)"
    source = str(Path(creation.__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append({source!r}); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(done.stdout.split()) <= {"__future__", "napari_graft", "napari_graft.cli"}


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "napari_graft", "info", "nowhere.graft"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("number", WISHES)
def test_every_wish_to_stop_asks_the_job_and_the_second_ends_the_program(number: int) -> None:
    before = {one: signal.getsignal(one) for one in WISHES}
    with progress() as (_, cancel):
        signal.raise_signal(number)
        assert cancel.is_cancelled
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)

    assert {one: signal.getsignal(one) for one in WISHES} == before


@pytest.mark.parametrize("number", WISHES)
def test_a_command_without_progress_is_interrupted_alike(
    graft: Graft, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = signal.getsignal(number)
    monkeypatch.setattr(creation, "describe_project", lambda folder: signal.raise_signal(number))

    answer = graft("info", "p.graft", "--json")

    assert (answer.code, answer.out) == (130, "")
    assert answer.err == "stopped; what was finished is kept\n"
    assert signal.getsignal(number) is before


def test_a_command_that_shall_outlive_its_terminal_does(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with progress() as (_, cancel):
            signal.raise_signal(signal.SIGHUP)
            assert not cancel.is_cancelled
    finally:
        signal.signal(signal.SIGHUP, before)


def test_progress_in_another_thread_leaves_the_signals_alone() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with progress() as (report, _):
            report(Progress(1, 2, "working"))
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [before]


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-c", ENTRY, "sources", "list", "--json"]
    with open(write_end, "wb") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, check=False)

    assert done.returncode == 141
    assert b"Error" not in done.stderr


def test_a_job_goes_on_where_nobody_reads_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    class _Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        flush = write

    monkeypatch.setattr(sys, "stderr", _Closed())
    with progress() as (report, cancel):
        report(Progress(1, 2, "working"))

    assert not cancel.is_cancelled


HANGING_UP = """
import fcntl, os, termios, threading
fcntl.ioctl(2, termios.TIOCSCTTY, 0)
from napari_graft.cli import app
from napari_graft.cli.console import progress
from napari_graft.core.progress import Progress
@app.app.command
def wait():
    with progress() as (report, cancel):
        os.write(1, b"waiting")
        while not cancel.is_cancelled:
            report(Progress(1, 2, "waiting"))
            threading.Event().wait(0.01)
        cancel.raise_if_cancelled()
app.run_and_exit(["wait"])
"""


def test_a_terminal_that_is_closed_ends_the_command_as_ctrl_c_does() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", HANGING_UP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.read(7) == b"waiting"
        os.close(ours)

        assert process.wait(60) == 130
