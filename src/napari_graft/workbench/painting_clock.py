"""How long somebody paints: the pauses of a coffee break do not count."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_PAUSE = 30.0
"""Seconds without a stroke that still count as painting: looking closely takes that long."""


class PaintingClock:
    """Sum of the time between signs of life, each gap up to `LONGEST_PAUSE`.

    Parameters
    ----------
    now
        Returns seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._latest = now()
        self.seconds = 0.0
        """Time painted since the clock was started."""

    def start(self) -> None:
        """Begin anew: a tile comes into view."""
        self._latest, self.seconds = self._now(), 0.0

    def touch(self) -> None:
        """Take note that somebody painted just now."""
        now = self._now()
        self.seconds += min(now - self._latest, LONGEST_PAUSE)
        self._latest = now
