"""The clock of a training: how far it is, and the learning rate that goes with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from napari_graft.training.config import StoppedBy, TrainConfig

_WARM_UP = 0.06
_FINAL_SHARE = 0.02
_N_TIMED = 4


class Clock:
    """Clock of the budget, in steps or in seconds, whichever is nearer its end.

    The rate follows the used share of the budget instead of a number of steps guessed at the start: on a
    machine that slows down in between, the rate still reaches its end with the time.

    Parameters
    ----------
    config
        Time budget and number of steps.
    steps, seconds
        What an earlier part of the same training has used already.
    now
        Clock in seconds.
    """

    def __init__(
        self,
        config: TrainConfig,
        steps: int = 0,
        seconds: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._now = now
        self._start = now() - seconds
        self._timed_from: tuple[int, float] | None = None
        self.steps = steps

    @property
    def seconds(self) -> float:
        """Seconds used so far."""
        return self._now() - self._start

    def tick(self) -> None:
        """Count one finished step."""
        self.steps += 1
        if self._timed_from is None:
            # The first step builds the kernels' caches and tells nothing about the next.
            self._timed_from = (self.steps, self.seconds)

    @property
    def used(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        shares = [0.0]
        if self._config.max_steps is not None:
            shares.append(self.steps / self._config.max_steps)
        if self._config.time_budget is not None:
            shares.append(self.seconds / self._config.time_budget)
        return min(1.0, max(shares))

    @property
    def ended_by(self) -> StoppedBy | None:
        """What has ended the training, or None while it may go on."""
        if self._config.max_steps is not None and self.steps >= self._config.max_steps:
            return "steps"
        if self._config.time_budget is not None and self.seconds >= self._config.time_budget:
            return "time"
        return None

    @property
    def expected_steps(self) -> int | None:
        """Number of steps that the budget allows, None until the first steps are timed."""
        if self._config.time_budget is None:
            return self._config.max_steps
        if self._timed_from is None or self.steps - self._timed_from[0] < _N_TIMED:
            return None
        pace = (self.seconds - self._timed_from[1]) / (self.steps - self._timed_from[0])
        by_time = self.steps + int(max(0.0, self._config.time_budget - self.seconds) / max(pace, 1e-9))
        return min(by_time, self._config.max_steps or by_time)

    @property
    def rate(self) -> float:
        """Learning rate as a share of the largest: a short linear rise, then half a cosine."""
        if self.used < _WARM_UP:
            # At least one step at a time: a share of 0 would waste the first step.
            return max(self.used / _WARM_UP, 0.1)
        angle = math.pi * (self.used - _WARM_UP) / (1 - _WARM_UP)
        return _FINAL_SHARE + (1 - _FINAL_SHARE) * (1 + math.cos(angle)) / 2
