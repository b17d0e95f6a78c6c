"""Long work in the background: one thread a lane, its news and the time left on the window's thread."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, Literal, TypeVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.workbench.failures import Failures, failure_words, meant_for_user

_ENOUGH = 0.02
"""From this share of the work on, the time so far says something about the rest."""
_SOONEST = 1.0
"""Seconds that a phase takes before anything is promised: its first steps may be remembered ones."""


class Pace:
    """Estimate of the time left from the work done since the phase under way began.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._latest: Progress | None = None
        self._began_at = 0.0
        self._began_with = 0.0

    def seconds_left(self, progress: Progress) -> float | None:
        """Return the seconds that the phase will still take, None while that cannot be told.

        A phase begins anew when its message changes or less is done than before.
        """
        before = self._latest
        if before is None or progress.message != before.message or progress.done < before.done:
            self._began_at, self._began_with = self._clock(), progress.done
        self._latest = progress
        return self.seconds_left_now()

    def seconds_left_now(self) -> float | None:
        """Return the same as time goes by without news: a step that takes long puts the end off."""
        if self._latest is None or not self._latest.total:
            return None
        done, seconds = self._latest.done - self._began_with, self._clock() - self._began_at
        if done <= 0 or done / self._latest.total < _ENOUGH or seconds < _SOONEST:
            return None
        return max(0.0, seconds * (self._latest.total - self._latest.done) / done)


T = TypeVar("T")

Deliver = Callable[[Callable[[], None]], None]
"""Run a function on the thread of the window, soon; may be called from any thread."""
Lane = Literal["long", "ranking", "short", "files", "edits"]
"""Jobs of one lane run one after the other: training and prediction; rankings; short looks; files; edits of
objects, which wait for no file."""
Status = Literal["waiting", "running", "stopping", "done", "stopped", "failed"]
Task = Callable[[Report, CancelToken], T]

_log = logging.getLogger(__name__)


@dataclass(slots=True, weakref_slot=True)
class JobState:
    """State of a job, as a person sees it.

    Parameters
    ----------
    title
        What is done, for example ``"Training"``.
    message
        The step under way.
    fraction
        Share that is done, 0 to 1, None while that is not known.
    seconds_left
        None while that cannot be told.
    status, error
        How it is, and what went wrong.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    title: str
    message: str = ""
    fraction: float | None = None
    seconds_left: float | None = None
    status: Status = "waiting"
    error: str = ""

    @property
    def is_active(self) -> bool:
        """Say whether it has not ended yet."""
        return self.status in ("waiting", "running", "stopping")


class RunningJob(Generic[T]):
    """One piece of work under way; made by `JobRunner.start`.

    Its state changes, and its signals are emitted, on the thread of the window only.
    """

    progressed = Signal(Progress)
    ended = Signal()

    def __init__(self, title: str, lane: Lane, task: Task[T], *, must_finish: bool = False) -> None:
        self.state = JobState(title)
        self.lane = lane
        self.task = task
        self.must_finish = must_finish
        self.token = CancelToken()
        self._pace = Pace()

    def cancel(self) -> None:
        """Ask the job to stop."""
        self.token.cancel()
        if self.state.is_active:
            self.state.status = "stopping"

    def show(self, progress: Progress) -> None:
        """Take over how far the job is."""
        if self.state.status == "waiting":
            self.state.status = "running"
        self.state.message = progress.message
        self.state.fraction = min(1.0, progress.done / progress.total) if progress.total else None
        self.state.seconds_left = self._pace.seconds_left(progress)
        self.progressed.emit(progress)

    def look_again(self) -> None:
        """Bring the time left up to date where nothing was heard for a while."""
        if self.state.status == "running":
            self.state.seconds_left = self._pace.seconds_left_now()

    def end(self, status: Status, error: str = "") -> None:
        """Take over how the job ended; whoever waits hears it even where the state cannot be shown."""
        try:
            self.state.error = error
            self.state.seconds_left = None
            self.state.status = status
        finally:
            self.ended.emit()


class JobRunner:
    """Runner of jobs, each in the thread of its lane, which passes on what they report.

    Parameters
    ----------
    deliver
        Brings callbacks to the thread of the window.
    failures
        Tells of what fails on the thread of the window.
    """

    started = Signal(RunningJob)
    ended = Signal(RunningJob)

    def __init__(self, deliver: Deliver, failures: Failures | None = None) -> None:
        self._deliver = deliver
        self.failures = failures or Failures()
        self._lanes: dict[Lane, queue.SimpleQueue[_Errand | None]] = {}
        self._active: list[RunningJob[object]] = []
        self._is_closed = False
        self._n_to_finish = 0
        self._finishing = threading.Condition()

    @property
    def active(self) -> tuple[RunningJob[object], ...]:
        """The jobs that have not ended, in the order in which they were started."""
        return tuple(self._active)

    def start(
        self,
        title: str,
        task: Task[T],
        *,
        lane: Lane,
        on_done: Callable[[T], None],
        on_progress: Callable[[Progress], None] | None = None,
        must_finish: bool = False,
    ) -> RunningJob[T]:
        """Put a job in its lane.

        Parameters
        ----------
        task
            Does the work, in another thread: a pure function of what it was made with.
        on_done
            Takes its result, on the thread of the window; not called when the job failed or was stopped.
        on_progress
            Connected before the job starts, so that nothing it says is lost.
        must_finish
            Whether it is done even where all jobs are asked to stop, as what keeps the user's work is.
        """
        job = RunningJob(title, lane, task, must_finish=must_finish)
        if on_progress is not None:
            job.progressed.connect(on_progress)
        self._active.append(job)  # type: ignore[arg-type]  # whatever it returns, only its state matters here
        if must_finish:
            with self._finishing:
                self._n_to_finish += 1
        self.started.emit(job)
        self._queue_of(lane).put(_Errand(lambda: self._work(job, on_done)))
        return job

    def cancel(self) -> None:
        """Ask all jobs to stop but those that must finish."""
        for job in self.active:
            if not job.must_finish:
                job.cancel()

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until all is done that must finish, `timeout` seconds at most; say whether it is."""
        with self._finishing:
            return self._finishing.wait_for(lambda: self._n_to_finish == 0, timeout)

    def close(self) -> None:
        """Ask all jobs to stop but those that must finish, wait for none, and deliver nothing any more."""
        self._is_closed = True
        for job in self.active:
            if not job.must_finish:
                job.token.cancel()
        self._active = []  # whoever asks later what is under way hears that nothing is
        for waiting in self._lanes.values():
            waiting.put(None)

    def _queue_of(self, lane: Lane) -> queue.SimpleQueue[_Errand | None]:
        if lane not in self._lanes:
            self._lanes[lane] = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self._lanes[lane],), name=lane, daemon=True).start()
        return self._lanes[lane]

    def _work(self, job: RunningJob[T], on_done: Callable[[T], None]) -> None:
        latest = _Latest(job, self._say)
        try:
            job.token.raise_if_cancelled()
            latest.put(Progress(0, None, job.state.message))
            result = job.task(latest.put, job.token)
        except Cancelled:
            self._say(lambda: self._end(job, "stopped"))
        # The job runner: whatever fails must reach the user as words, and a plugin that exits ends no lane.
        except (Exception, SystemExit) as error:
            message = self._words(job, error)
            self._say(lambda: self._end(job, "failed", message))
        else:
            self._say(lambda: self._finish(job, result, on_done))
        finally:
            if job.must_finish:
                with self._finishing:
                    self._n_to_finish -= 1
                    self._finishing.notify_all()

    def _finish(self, job: RunningJob[T], result: T, on_done: Callable[[T], None]) -> None:
        try:
            on_done(result)
        except Exception as error:  # as above; a job that never ends would lock the window
            self._end(job, "failed", self._words(job, error))
            return
        self._end(job, "stopped" if job.token.is_cancelled else "done")

    def _words(self, job: RunningJob[T], error: BaseException) -> str:
        if meant_for_user(error) is None:
            _log.error("%s failed", job.state.title, exc_info=error)
        return failure_words(error)

    def _end(self, job: RunningJob[T], status: Status, error: str = "") -> None:
        self._active = [other for other in self._active if other is not job]
        self.failures.guarded(job.end)(status, error)
        self.ended.emit(job)

    def _say(self, callback: Callable[[], None]) -> None:
        answer = self.failures.guarded(callback)
        if not self._is_closed:
            self._deliver(lambda: None if self._is_closed else answer())


@dataclass(frozen=True, slots=True)
class _Errand:
    run: Callable[[], None]


class _Latest:
    """Filter of progress that passes on the newest only: a fast job must not flood the window."""

    def __init__(self, job: RunningJob[T], say: Deliver) -> None:
        self._job = job
        self._say = say
        self._lock = threading.Lock()
        self._progress: Progress | None = None

    def put(self, progress: Progress) -> None:
        with self._lock:
            before = self._progress
            if before is not None and progress.partial is None:
                progress = replace(progress, partial=before.partial)
            self._progress = progress
        if before is None:
            self._say(self._show)

    def _show(self) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
        if progress is not None:
            self._job.show(progress)


def _serve(errands: queue.SimpleQueue[_Errand | None]) -> None:
    while (errand := errands.get()) is not None:
        errand.run()
