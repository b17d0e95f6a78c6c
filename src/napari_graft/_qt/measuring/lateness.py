"""How late the event loop of a window answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer

_INTERVAL = 5
"""Milliseconds between two ticks."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Sum up by how many milliseconds ticks came late."""

    n_ticks: int
    median: float
    p95: float
    p99: float
    largest: float


class LatenessMeter(QObject):
    """Ask for a tick every few milliseconds, and note how late each one comes.

    What keeps the event loop busy (a computation, drawing, a lock of the interpreter that another thread
    holds) makes the next tick late by as much.
    """

    def __init__(self) -> None:
        super().__init__()
        self._late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to note."""
        self._late.clear()
        self._last = time.perf_counter()
        self._timer.start(_INTERVAL)

    def stop(self) -> Lateness:
        """Stop, and sum up what was noted."""
        self._timer.stop()
        late = np.asarray(self._late or [0.0])
        median, p95, p99 = (float(value) for value in np.percentile(late, (50, 95, 99)))
        return Lateness(len(self._late), median, p95, p99, float(late.max()))

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, 1000 * (now - self._last) - _INTERVAL))
        self._last = now
