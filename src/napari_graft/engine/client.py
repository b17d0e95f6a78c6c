"""The side that waits: hands a job to the worker process, and passes its events on."""

from __future__ import annotations

import queue
import threading
import time
from types import TracebackType
from typing import Any, TypeVar

from pydantic import BaseModel

from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.engine.protocol import (
    CancelJob,
    EngineError,
    ErrorEvent,
    ProgressEvent,
    RunJob,
)
from napari_graft.engine.worker_process import WorkerProcess
from napari_graft.jobs.base import Job, Request
from napari_graft.jobs.registry import JOBS

A = TypeVar("A", bound=BaseModel)

GRACE = 1.5
"""Seconds in which a worker stops its job and ends: who closes a window waits for no more than two."""

_POLL = 0.05
_PATIENCE = 0.8


class Engine:
    """Client of a worker process that runs jobs one at a time, is kept warm and ends with this process.

    Use it as a context manager, or call `close`; both may be done while another thread waits in `run`.

    Parameters
    ----------
    niceness
        How much the worker stands back behind other processes, such as a window, 0 to 19.
    """

    def __init__(self, niceness: int = 0) -> None:
        self._niceness = niceness
        self._worker: WorkerProcess | None = None
        self._is_closed = False
        self._changing = threading.Lock()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """Id of the worker process, None while there is none."""
        worker = self._worker
        return None if worker is None else worker.id

    def run(self, request: Request[A], *, report: Report, cancel: CancelToken) -> A:
        """Run the job that a request is for to its end, and return its answer.

        A cancelled job that keeps its best does so and returns; any other ends within a second.

        Raises
        ------
        InputError, StorageError, Cancelled
            As the job raised them. A job is cancelled as well when the engine is closed.
        EngineError
            If the worker process died, with the way it did; the next job starts another.
        """
        cancel.raise_if_cancelled()
        worker = self._ready_worker()
        job = JOBS.of(request)
        worker.send(RunJob.of(request))
        return job.result.model_validate(_Conversation(worker, job, report, cancel).follow())

    def rest(self) -> None:
        """End the worker, which takes memory while it is kept warm; the next job starts another."""
        with self._changing:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(GRACE)

    def close(self, grace: float = GRACE) -> None:
        """End the worker: it stops its job, and is killed if it has not ended after `grace` seconds.

        A training that is stopped keeps its best weights, one that is killed can be resumed from its last
        checkpoint. No job can be run afterwards.
        """
        with self._changing:
            self._is_closed = True
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(grace)

    def _ready_worker(self) -> WorkerProcess:
        with self._changing:
            if self._is_closed:
                raise Cancelled("the engine is closed")
            if self._worker is None or self._worker.is_stopping or not self._worker.is_alive:
                self._worker = WorkerProcess(self._niceness)
            return self._worker


class _Conversation:
    """One job: what is sent to the worker and what comes back."""

    def __init__(self, worker: WorkerProcess, job: Job[Any], report: Report, cancel: CancelToken) -> None:
        self._worker = worker
        self._job = job
        self._report = report
        self._cancel = cancel
        self._has_begun = False
        self._asked_at: float | None = None

    def follow(self) -> dict[str, Any]:
        """Pass progress on until there is a result."""
        while True:
            if self._cancel.is_cancelled:
                self._ask_to_stop()
            try:
                event = self._worker.events.get(timeout=_POLL)
            except queue.Empty:
                continue
            if event is None:
                raise self._died()
            if isinstance(event, ProgressEvent):
                self._has_begun = True
                self._pass_on(event)
            elif isinstance(event, ErrorEvent):
                raise _as_exception(event)
            else:
                return event.value

    def _pass_on(self, event: ProgressEvent) -> None:
        try:
            self._report(
                Progress(event.done, event.total, event.message, event.metrics, event.partial, event.phase)
            )
        except BaseException:
            # Who listens has failed in the middle of the job: what is still to come must not meet the next.
            self._worker.stop(GRACE)
            raise

    def _ask_to_stop(self) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._worker.send(CancelJob())
            self._asked_at = now
        # While it loads its libraries nothing was done; later a training alone has something to bring home.
        is_dispensable = not self._has_begun or not self._job.keeps_its_best
        if is_dispensable and now - self._asked_at > _PATIENCE:
            self._worker.stop(0)
            raise Cancelled("stopped on request")

    def _died(self) -> Exception:
        if self._worker.is_stopping:
            return Cancelled("stopped: the engine was closed")
        self._worker.stop(GRACE)
        return EngineError(
            f"the worker process ended unexpectedly ({self._worker.describe_end()}); "
            f"{self._job.after_a_crash}"
        )


def _as_exception(event: ErrorEvent) -> Exception:
    kinds = {"input": InputError, "storage": StorageError, "cancelled": Cancelled, "crash": EngineError}
    return kinds[event.error](event.message)
