"""The side that waits: starts the worker process, hands it a job, and passes its events on."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

from pydantic import BaseModel

from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.engine.protocol import (
    CancelJob,
    EngineError,
    ErrorEvent,
    Event,
    ProgressEvent,
    TrainJob,
    read_event,
    to_line,
)

_POLL = 0.05
_GRACE = 10.0


class Engine:
    """Run jobs in a worker process that is kept warm between them and ends with this one.

    Use it as a context manager, or call `close`.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """Id of the worker process, None while there is none."""
        return None if self._process is None else self._process.pid

    def run(self, job: TrainJob, *, report: Report, cancel: CancelToken) -> dict[str, Any]:
        """Run a job to its end and return its result; a cancelled job keeps its best and ends.

        Raises
        ------
        InputError, StorageError, Cancelled
            As the job raised them.
        EngineError
            If the worker process died, with the way it did.
        """
        self._start()
        self._send(job)
        is_asked_to_stop = False
        while True:
            if cancel.is_cancelled and not is_asked_to_stop:
                self._send(CancelJob())
                is_asked_to_stop = True
            try:
                event = self._events.get(timeout=_POLL)
            except queue.Empty:
                continue
            if event is None:
                raise self._died()
            if isinstance(event, ProgressEvent):
                report(Progress(event.done, event.total, event.message, event.metrics))
            elif isinstance(event, ErrorEvent):
                raise _as_exception(event)
            else:
                return event.value

    def close(self) -> None:
        """End the worker: it stops its job, and is killed if it does not end soon."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._events = queue.SimpleQueue()
        # A group of its own: Ctrl+C in the terminal reaches this process, which then asks the worker to stop.
        self._process = subprocess.Popen(
            # -P: a file in the folder where the user is must not stand in for a module of its name.
            [sys.executable, "-P", "-m", "napari_graft.engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        arguments = (self._process.stdout, self._events)
        threading.Thread(target=_listen, args=arguments, name="engine events", daemon=True).start()

    def _send(self, message: BaseModel) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(to_line(message))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None

    def _died(self) -> EngineError:
        process, self._process = self._process, None
        code = None
        if process is not None and process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
            code = process.wait()
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return EngineError(
            f"the training process ended unexpectedly ({how}); what it had saved is kept: "
            "train again to go on"
        )


def _listen(stream: IO[str], events: queue.SimpleQueue[Event | None]) -> None:
    with stream:
        for line in stream:
            if line.endswith("\n"):  # one that is killed may leave half a line
                events.put(read_event(line))
    events.put(None)


def _as_exception(event: ErrorEvent) -> Exception:
    kinds = {"input": InputError, "storage": StorageError, "cancelled": Cancelled, "crash": EngineError}
    return kinds[event.error](event.message)
