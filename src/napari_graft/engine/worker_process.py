"""The worker process as the side that waits sees it: its pipes and its end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import suppress

from pydantic import BaseModel

from napari_graft.engine.protocol import CloseJob, Event, read_event, to_line


class WorkerProcess:
    """Handle of a worker process: starts it, writes to it from any thread, and ends it.

    Parameters
    ----------
    niceness
        How much it stands back behind other processes, 0 to 19; without effect on Windows.

    Attributes
    ----------
    events
        What it says, and None when it has ended.
    """

    def __init__(self, niceness: int = 0) -> None:
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._is_stopping = False
        self._process = self._start(niceness)

    def _start(self, niceness: int) -> subprocess.Popen[str]:
        # By the thread that listens to it as long as it lives: on Linux it dies with its parent's thread.
        started: Future[subprocess.Popen[str]] = Future()
        arguments = (niceness, started, self.events)
        threading.Thread(target=_start_and_listen, args=arguments, name="engine events", daemon=True).start()
        return started.result()

    @property
    def id(self) -> int:
        """Id of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Say whether it has not ended yet."""
        return self._process.poll() is None

    @property
    def is_stopping(self) -> bool:
        """Say whether it was told to end."""
        return self._is_stopping

    def send(self, message: BaseModel) -> None:
        """Write a message; what cannot arrive any more is dropped, and the events end."""
        assert self._process.stdin is not None
        with self._writing, suppress(BrokenPipeError):
            if not self._is_stopping:
                self._process.stdin.write(to_line(message))
                self._process.stdin.flush()

    def stop(self, grace: float) -> None:
        """Let it stop its job and end, and kill it if it has not after `grace` seconds."""
        ends = time.monotonic() + grace
        self._is_stopping = True
        # One that does not read any more may keep whoever writes to it, and who writes keeps the lock.
        if self._writing.acquire(timeout=grace):
            self._close_requests()
        else:
            self._process.kill()
        try:
            self._process.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close_requests(self) -> None:
        assert self._process.stdin is not None
        try:
            with suppress(BrokenPipeError):
                if not self._process.stdin.closed:
                    self._process.stdin.write(to_line(CloseJob()))
                self._process.stdin.close()
        finally:
            self._writing.release()

    def describe_end(self) -> str:
        """Say in words how it ended."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        name = signal.Signals(-code).name
        return f"signal {name}, perhaps for want of memory" if name == "SIGKILL" else f"signal {name}"


def _start_and_listen(
    niceness: int, started: Future[subprocess.Popen[str]], events: queue.SimpleQueue[Event | None]
) -> None:
    options = ("--nice", str(niceness), "--parent", str(os.getpid()))
    try:
        # A group of its own: Ctrl+C in the terminal reaches this process, which then asks the worker to stop.
        process = subprocess.Popen(
            # -P: a file in the folder where the user is must not stand in for a module of its name.
            [sys.executable, "-P", "-m", "napari_graft.engine", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    except BaseException as error:
        started.set_exception(error)
        return
    started.set_result(process)
    assert process.stdout is not None
    try:
        with process.stdout as stream:
            for line in stream:
                if line.endswith("\n"):  # one that is killed may leave half a line
                    events.put(read_event(line))
    finally:
        events.put(None)
