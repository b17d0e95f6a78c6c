"""The side that works: reads jobs from stdin, writes events to stdout, and ends when it is told to.

When whoever asks has died, it ends at once and leaves the job as a crash would: a training goes on from its
checkpoint, and nobody finds a short run that nobody had stopped.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from pydantic import BaseModel

from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.engine.protocol import (
    CancelJob,
    CloseJob,
    ErrorEvent,
    ProgressEvent,
    ResultEvent,
    RunJob,
    read_order,
    to_line,
)

_PR_SET_PDEATHSIG = 1
"""Of ``linux/prctl.h``: the signal that the kernel sends when the parent has ended."""


class Parent:
    """The process that started this one.

    Parameters
    ----------
    process_id
        Its id, None where it is not known: then nobody can say that it is gone.
    """

    def __init__(self, process_id: int | None) -> None:
        self._process_id = process_id

    @property
    def is_gone(self) -> bool:
        """Say whether it has ended."""
        # Whoever loses its parent is given another. On Windows a launcher may stand between the two.
        return self._process_id is not None and os.name == "posix" and os.getppid() != self._process_id

    def end_with_it(self) -> None:
        """Let the kernel end this process at once when the parent has ended; only Linux can.

        It counts as the end of the parent when the one thread that started this process ends.
        """
        if sys.platform == "linux":
            with suppress(AttributeError, OSError):
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


ORPHANED = 3
"""Exit code of a worker whose parent is gone; nobody but a debugger sees it."""

_SESSION = Path("/proc/self/autogroup")
_log = logging.getLogger(__name__)


def _end_at_once() -> None:
    os._exit(ORPHANED)


class Worker:
    """The side of the protocol that works: runs one job after the other.

    Parameters
    ----------
    requests, events
        Streams of lines.
    parent
        Who asks.
    abandon
        Called when that has died; ends the process.
    """

    def __init__(
        self,
        requests: TextIO,
        events: TextIO,
        parent: Parent | None = None,
        abandon: Callable[[], None] = _end_at_once,
    ) -> None:
        self._requests = requests
        self._events = events
        self._parent = parent or Parent(None)
        self._abandon = abandon
        self._jobs: queue.SimpleQueue[tuple[RunJob, CancelToken] | None] = queue.SimpleQueue()

    def serve(self) -> None:
        """Work until told to end."""
        threading.Thread(target=self._listen, name="requests", daemon=True).start()
        while (entry := self._jobs.get()) is not None:
            self._send(self._answer(*entry))

    def _listen(self) -> None:
        # A token for each job: cancelling one that has just ended must not meet the next.
        token = CancelToken()
        for line in self._requests:
            order = read_order(line)
            if isinstance(order, CancelJob):
                token.cancel()
            elif isinstance(order, CloseJob):
                token.cancel(at_once=True)
                self._jobs.put(None)
                return
            else:
                token = CancelToken()
                self._jobs.put((order, token))
        # The kernel closes the pipe of a process that has died.
        self._abandon()

    def _answer(self, order: RunJob, token: CancelToken) -> BaseModel:
        try:
            # Here and not on top: a library that cannot be loaded reaches the user as words as well.
            from napari_graft.jobs.registry import JOBS
            from napari_graft.jobs.running import run_job

            self._report(Progress(0, None, "starting"))
            request = JOBS[order.job].request.model_validate(order.request)
            answer = run_job(request, self._report, token)
            return ResultEvent(value=answer.model_dump(mode="json"))
        except Cancelled as error:
            return ErrorEvent(error="cancelled", message=str(error))
        except InputError as error:
            return ErrorEvent(error="input", message=str(error))
        except StorageError as error:
            return ErrorEvent(error="storage", message=str(error))
        except Exception as error:  # the job runner: whatever fails must reach the user as words
            _log.exception("the job failed")
            return ErrorEvent(error="crash", message=f"{type(error).__name__}: {error}")

    def _report(self, state: Progress) -> None:
        # A process that the parent has forked may still hold the pipe open.
        if self._parent.is_gone:
            self._abandon()
        self._send(
            ProgressEvent(
                done=state.done,
                total=state.total,
                message=state.message,
                metrics=dict(state.metrics),
                partial=None if state.partial is None else dict(state.partial),
                phase=state.phase,
            )
        )

    def _send(self, message: BaseModel) -> None:
        # Where nobody listens any more, the requests have ended too, and that ends the job.
        with suppress(BrokenPipeError):
            self._events.write(to_line(message))
            self._events.flush()


def _stand_back(niceness: int) -> None:
    """Let other processes come first."""
    if not hasattr(os, "nice"):  # Windows has none
        return
    os.nice(niceness)
    # Where Linux shares the time among sessions first (CONFIG_SCHED_AUTOGROUP), the niceness of a process
    # counts only within its session, and this process has one of its own. Half of it: where many sessions
    # keep the processor busy, a training at a niceness of 10 needed minutes to begin.
    with suppress(OSError):
        _SESSION.write_text(str(niceness // 2))


def main() -> None:
    """Serve the process that started this one, ``--parent``, at the niceness that ``--nice`` gives."""
    parser = argparse.ArgumentParser(prog="napari_graft.engine")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--parent", type=int, default=None)
    arguments = parser.parse_args()
    parent = Parent(arguments.parent)
    parent.end_with_it()
    if parent.is_gone:  # before it could be asked for
        _end_at_once()
    # Whoever presses Ctrl+C means the parent, which then asks for what it wants.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if arguments.nice:
        _stand_back(arguments.nice)
    # Libraries may print: what they say must not end up among the events.
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Worker(sys.stdin, events, parent).serve()
    # Without waiting for threads that are still inside a library: nobody wants what they would bring.
    sys.stderr.flush()
    os._exit(0)
