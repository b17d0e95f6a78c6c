"""How long and how a network is trained, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.training.augment import Augmentation

PATCH = {2: (192, 192), 3: (16, 96, 96)}
"""Usual shape of a training patch."""

BATCH = {2: 4, 3: 1}
"""Usual number of patches of a step; a 3-D patch has about as many pixels as four 2-D ones."""

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

    def __post_init__(self) -> None:
        if self.time_budget is None and self.max_steps is None:
            raise InputError("a training needs a time budget or a number of steps: give one of them")
        if self.time_budget is not None and not self.time_budget > 0:
            raise InputError(f"time budget {self.time_budget} s must be positive: try 60s")
        if self.max_steps is not None and self.max_steps < 1:
            raise InputError(f"{self.max_steps} steps are not a training: give at least 1")


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
