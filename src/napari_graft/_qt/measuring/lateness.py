"""How late the event loop of a window answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtWidgets import QWidget

_INTERVAL = 5
"""Milliseconds between two ticks."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Summary of how many milliseconds ticks came late.

    Parameters
    ----------
    n_ticks
        How many came.
    median, p95, p99, largest
        Of how late they were.
    work
        Milliseconds of processor time that the thread of the window took for each drawing of the canvas:
        unlike lateness, it hardly depends on what else the machine does.
    """

    n_ticks: int
    median: float
    p95: float
    p99: float
    largest: float
    work: float


class LatenessMeter(QObject):
    """Timer that asks for a tick every few milliseconds, and notes how late each one comes.

    What keeps the event loop busy (a computation, drawing, a lock of the interpreter that another thread
    holds) makes the next tick late by as much.

    Parameters
    ----------
    canvas
        Whose drawing is counted.
    """

    def __init__(self, canvas: QWidget) -> None:
        super().__init__()
        canvas.installEventFilter(self)
        self._n_frames = 0
        self._worked = 0.0
        self._late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to note."""
        self._late.clear()
        self._n_frames, self._worked = 0, time.thread_time()
        self._last = time.perf_counter()
        self._timer.start(_INTERVAL)

    def stop(self) -> Lateness:
        """Stop, and sum up what was noted."""
        self._timer.stop()
        work = 1000 * (time.thread_time() - self._worked) / max(1, self._n_frames)
        late = np.asarray(self._late or [0.0])
        median, p95, p99 = (float(value) for value in np.percentile(late, (50, 95, 99)))
        return Lateness(len(self._late), median, p95, p99, float(late.max()), work)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - the name is Qt's
        """Count how often the canvas is drawn."""
        self._n_frames += event.type() == QEvent.Type.Paint
        return False

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, 1000 * (now - self._last) - _INTERVAL))
        self._last = now
