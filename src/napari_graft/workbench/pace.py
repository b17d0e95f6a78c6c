"""How long a job has still to go."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari_graft.core.progress import Progress

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
