"""How long and how a source is prepared, when that stops, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.pretraining.record import PretrainMoment
from napari_graft.training.config import BATCH, TrainConfig

StoppedBy = Literal["time", "steps", "cancel", "replay"]

PATCH = {2: (128, 128), 3: (16, 96, 96)}
"""Usual shape of a patch: a 2-D one is smaller than in training, for more steps in the same time."""


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """Configuration of a pretraining.

    Parameters
    ----------
    time_budget, max_steps
        Seconds and steps that it may take; None where only the other one counts.
    patch, batch_size
        Shape of a patch in pixels of the model's grid, and patches of a step.
    self_supervised_steps, replay_steps
        Steps of each kind in a cycle; 0 leaves that kind out.
    learning_rate, weight_decay
        Of both optimisers, which are AdamW.
    tolerance
        By which share the replay loss may stand above its start; beyond it the pretraining ends.
    checkpoint_seconds
        Time between two checkpoints on disk.
    seed
        Decides patches, and what an objective draws.
    """

    time_budget: float | None = 180.0
    max_steps: int | None = None
    patch: tuple[int, ...] = PATCH[2]
    batch_size: int = BATCH[2]
    self_supervised_steps: int = 10
    replay_steps: int = 10
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    tolerance: float = 0.05
    checkpoint_seconds: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        self.clock_config()
        if min(self.self_supervised_steps, self.replay_steps) < 0 or not self.cycle:
            raise InputError("a cycle needs at least one step of self-supervision or replay")

    @property
    def cycle(self) -> int:
        """Steps of a cycle."""
        return self.self_supervised_steps + self.replay_steps

    def is_self_supervised(self, step: int) -> bool:
        """Say of which kind a step is, the first one being 0."""
        return step % self.cycle < self.self_supervised_steps

    def clock_config(self) -> TrainConfig:
        """Return the budget as a clock takes it.

        Raises
        ------
        InputError
            If there is none, or it is not positive.
        """
        return TrainConfig(time_budget=self.time_budget, max_steps=self.max_steps)


@dataclass(frozen=True, slots=True)
class PretrainResult:
    """Prepared weights, and the record of the pretraining.

    Parameters
    ----------
    weights
        Those of the last moment at which the replay loss had not risen beyond the tolerance.
    best_step
        Step of these weights; 0 for those of the source.
    steps, seconds
        Length, what came before a resume included.
    device
        Where it ran at the end.
    stopped_by
        What ended it; ``replay`` where the replay loss rose.
    history
        The two curves.
    """

    weights: Mapping[str, NDArray[np.float32]]
    best_step: int
    steps: int
    seconds: float
    device: str
    stopped_by: StoppedBy
    history: tuple[PretrainMoment, ...]
