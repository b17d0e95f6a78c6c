"""How long and how a network is trained, when it stops, and what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.training.patches import Augmentation
from napari_graft.training.weight_averaging import SHARE_OF_RUN

PATCH = {2: (192, 192), 3: (16, 96, 96)}
"""Usual shape of a training patch."""

BATCH = {2: 4, 3: 1}
"""Usual number of patches of a step; a 3-D patch has about as many pixels as four 2-D ones."""

_SHORTEST = 0.1
"""Seconds of the smallest budget that remains of a divided one."""

StoppedBy = Literal["time", "steps", "cancel", "flat"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Configuration of a training.

    Parameters
    ----------
    time_budget
        Seconds that the training may take, or None where only `max_steps` counts.
    max_steps
        Steps after which it ends, or None where only the time counts.
    patch
        Shape of a training patch in pixels of the model's grid.
    batch_size
        Patches of a step; halved when the memory does not suffice.
    learning_rate
        Largest rate of the schedule.
    weight_decay
        Decoupled weight decay of AdamW.
    n_validations
        How often the held-out part is looked at, spread over the run.
    checkpoint_seconds
        Time between two checkpoints on disk.
    seed
        Decides patches and augmentation.
    stops_when_flat
        Whether it ends early once the held-out loss no longer falls; see `is_flat`.
    augmentation
        How far patches are changed.
    frozen
        Beginnings of the names of weights that are not trained.
    averaging
        Share of the run over which weights are averaged.
    """

    time_budget: float | None = 120.0
    max_steps: int | None = None
    patch: tuple[int, ...] = PATCH[2]
    batch_size: int = BATCH[2]
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    n_validations: int = 12
    checkpoint_seconds: float = 20.0
    seed: int = 0
    stops_when_flat: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    frozen: tuple[str, ...] = ()
    averaging: float = SHARE_OF_RUN

    def __post_init__(self) -> None:
        if self.time_budget is None and self.max_steps is None:
            raise InputError("a training needs a time budget or a number of steps: give one of them")
        if self.time_budget is not None and not self.time_budget > 0:
            raise InputError(f"time budget {self.time_budget} s must be positive: try 60s")
        if self.max_steps is not None and self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps are not a training: give at least 1")

    def part(self, share: float) -> TrainConfig:
        """Return a share of the budget, at least one step or a tenth of a second."""
        return replace(
            self,
            time_budget=None if self.time_budget is None else max(_SHORTEST, share * self.time_budget),
            max_steps=None if self.max_steps is None else max(1, round(share * self.max_steps)),
        )

    def rest(self, steps: int, seconds: float) -> TrainConfig:
        """Return what an earlier part of the work leaves, at least one step or a tenth of a second."""
        return replace(
            self,
            time_budget=None if self.time_budget is None else max(_SHORTEST, self.time_budget - seconds),
            max_steps=None if self.max_steps is None else max(1, self.max_steps - steps),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """The losses at one step: None before the first step, and where there is no held-out part."""

    step: int
    seconds: float
    loss: float | None
    held_out: float | None


@dataclass(frozen=True, slots=True)
class TrainResult:
    """Best weights of a training, and its record.

    Parameters
    ----------
    weights
        Averaged weights with the lowest held-out loss; without a held-out part, the last ones.
    best_step
        Step of these weights.
    steps, seconds
        Length of the training, those before a resume included.
    device
        Where it ran at the end.
    stopped_by
        What ended it.
    history
        Losses over time.
    """

    weights: Mapping[str, NDArray[np.float32]]
    best_step: int
    steps: int
    seconds: float
    device: str
    stopped_by: StoppedBy
    history: tuple[Moment, ...]

    @property
    def held_out_loss(self) -> float | None:
        """Lowest loss on the held-out part, None where there is none."""
        losses = [moment.held_out for moment in self.history if moment.held_out is not None]
        return min(losses, default=None)

    def after(self, steps: int, seconds: float, history: Sequence[Moment]) -> TrainResult:
        """Return the record as that of the second half of a work, whose first half took so long."""
        later = [
            replace(moment, step=moment.step + steps, seconds=moment.seconds + seconds)
            for moment in self.history
        ]
        return replace(
            self,
            best_step=self.best_step + steps,
            steps=self.steps + steps,
            seconds=self.seconds + seconds,
            history=(*history, *later),
        )


FEWEST_VALIDATIONS = 9
"""From so many looks at the held-out part on, their last third says something."""
FEWEST_STEPS = 100
"""Before so many steps a training has hardly begun, however slow the machine is."""


def is_flat(history: Sequence[Moment]) -> bool:
    """Say whether the loss on the held-out part has not improved over the last third of the looks at it.

    >>> losses = [0.9, 0.5, 0.4, 0.3, 0.3, 0.3, 0.31, 0.3, 0.32]
    >>> is_flat([Moment(20 * i, 0.0, None, loss) for i, loss in enumerate(losses)])
    True
    >>> is_flat([Moment(20 * i, 0.0, None, loss) for i, loss in enumerate([*losses[:-1], 0.29])])
    False
    """
    losses = [moment.held_out for moment in history if moment.held_out is not None]
    if len(losses) < FEWEST_VALIDATIONS or history[-1].step < FEWEST_STEPS:
        return False
    n_last = len(losses) // 3
    return min(losses[-n_last:]) >= min(losses[:-n_last])


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
