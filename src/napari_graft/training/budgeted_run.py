"""A training within a budget: its clock, its state on the disk, and what it does where the memory ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import nn

from napari_graft.core.errors import DamagedFileError, StorageError
from napari_graft.core.progress import CancelToken
from napari_graft.io.documents import DamageLog
from napari_graft.training.config import Clock, TrainConfig


class BudgetedRun(ABC):
    """One training within a budget, whose state is kept on the disk.

    Parameters
    ----------
    device, batch_size
        Where it runs, and patches of a step; on running out of memory the batch is halved, then the CPU
        takes over.
    checkpoint
        File for the state, resumed from where it exists, or None.
    name
        What it is called where a damaged state is told of.
    """

    clock: Clock
    saved_at: float

    def __init__(self, device: torch.device, batch_size: int, checkpoint: Path | None, name: str) -> None:
        self.device = device
        self.batch_size = self._usual_batch_size = batch_size
        self.checkpoint = checkpoint
        self.notice = ""
        self._name = name
        self._saved_step: int | None = None

    @abstractmethod
    def _step(self, cancel: CancelToken) -> None:
        """Take one step."""

    @abstractmethod
    def _trained(self) -> tuple[nn.Module, ...]:
        """Return what the steps compute gradients of."""

    @abstractmethod
    def _settle(self, *, is_moved: bool) -> None:
        """Go on with another batch size and, where it is moved, on another device."""

    @abstractmethod
    def _read_state(self, path: Path) -> tuple[int, float]:
        """Load the state, and return the steps and seconds it had used. See `restore_checkpoint`."""

    @abstractmethod
    def _write_state(self, path: Path) -> None:
        """Write the state. See `save_checkpoint`."""

    def start_clock(self, config: TrainConfig) -> None:
        """Start the clock where the checkpoint left it, at nothing where there is none."""
        steps, seconds = 0, 0.0
        if self.checkpoint is not None and self.checkpoint.exists():
            steps, seconds = self._restore(self.checkpoint)
        self.clock = Clock(config, steps, seconds)
        self.saved_at = self.clock.seconds

    def _restore(self, checkpoint: Path) -> tuple[int, float]:
        """Return the steps and seconds of a checkpoint, none where it is damaged and was set aside."""
        try:
            steps, seconds = self._read_state(checkpoint)
        except DamagedFileError as error:
            told = DamagedFileError(f"{error}: the {self._name} begins anew")
            DamageLog(writable=True).set_aside(told, checkpoint)
            return 0, 0.0
        self._saved_step = steps
        return steps, seconds

    def step_within_memory(self, cancel: CancelToken) -> None:
        """Take one step, or get ready for one that needs less memory."""
        try:
            self._step(cancel)
        except torch.OutOfMemoryError:
            for module in self._trained():
                module.zero_grad(set_to_none=True)
            if self.batch_size > 1:
                self.batch_size //= 2
                self.notice = f"not enough GPU memory: going on with {self.batch_size} patches a step"
                self._settle(is_moved=False)
            else:
                self.notice = "not enough GPU memory even for one patch: going on with the CPU"
                self.device, self.batch_size = torch.device("cpu"), self._usual_batch_size
                self._settle(is_moved=True)

    def save(self) -> bool:
        """Keep the state on the disk; say whether there is room, which `notice` tells of otherwise."""
        if self.checkpoint is None or self._saved_step == self.clock.steps:
            return True
        self.saved_at, self._saved_step = self.clock.seconds, self.clock.steps
        try:
            self._write_state(self.checkpoint)
        except StorageError as error:
            # What was learned is not lost yet: go on, and tell; saving the result fails if this lasts.
            self.notice = f"no checkpoint could be written: {error}"
            return False
        return True

    def is_save_due(self, seconds: float) -> bool:
        """Say whether the last state on the disk is so old."""
        return self.clock.seconds - self.saved_at >= seconds
