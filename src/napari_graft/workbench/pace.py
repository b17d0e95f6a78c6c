"""How long a job has still to go."""

from __future__ import annotations

import time
from collections.abc import Callable

from napari_graft.core.progress import Progress

_ENOUGH = 0.02
"""From this share of the work on, the time so far says something about the rest."""


class Pace:
    """Estimate the time left from the work done since the phase under way began.

    Parameters
    ----------
    clock
        Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._phase: tuple[str, float] | None = None
        self._began_at = 0.0
        self._began_with = 0.0

    def seconds_left(self, progress: Progress) -> float | None:
        """Return the seconds that the phase will still take, None while that cannot be told.

        A phase begins anew when its message changes or less is done than before.
        """
        if self._phase is None or progress.message != self._phase[0] or progress.done < self._phase[1]:
            self._began_at, self._began_with = self._clock(), progress.done
        self._phase = (progress.message, progress.done)
        done = progress.done - self._began_with
        if not progress.total or done <= 0 or done / progress.total < _ENOUGH:
            return None
        return max(0.0, (self._clock() - self._began_at) * (progress.total - progress.done) / done)
