"""The one trainer: it knows networks, examples and the clock, and no thread, project or window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from napari_graft.core.errors import Cancelled, DamagedFileError, StorageError
from napari_graft.core.progress import CancelToken, Phase, Progress, Report
from napari_graft.io.documents import DamageLog
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network
from napari_graft.training.auxiliary import Auxiliary, TrainingStep
from napari_graft.training.checkpoint import TrainState, restore_checkpoint, save_checkpoint
from napari_graft.training.config import Clock, Moment, StoppedBy, TrainConfig, TrainResult, is_flat
from napari_graft.training.examples import Example
from napari_graft.training.losses import HeldOutLoss, make_targets, masked_loss
from napari_graft.training.patches import PatchSampler
from napari_graft.training.weight_averaging import WeightAverage


class Trainer:
    """Trains a network on examples within a budget.

    Parameters
    ----------
    config
        Budget and recipe.
    device
        Where to train; on running out of memory the batch is halved, then the CPU takes over.
    checkpoint
        File for the state, resumed from where it exists, or None.
    auxiliary
        Adds to the loss of every step; it keeps no state of its own. None for the labels alone.
    """

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        checkpoint: Path | None = None,
        auxiliary: Auxiliary | None = None,
    ) -> None:
        self._config = config
        self._device = device
        self._checkpoint = checkpoint
        self._auxiliary = auxiliary

    def fit(
        self, network: Network, examples: Sequence[Example], *, report: Report, cancel: CancelToken
    ) -> TrainResult:
        """Train until the budget is used or the token is cancelled; both return the best weights so far.

        The state is saved before the first step, every now and then, and when the training ends: whatever
        kills the process later, even while the result is measured, costs no more than the time between two.

        Parameters
        ----------
        network
            Start of the training; it is changed.
        examples
            What to learn from, on the model's grid.
        report
            Receives step, expected steps, loss and held-out loss.
        cancel
            Stops the training within a step.

        Raises
        ------
        InputError
            If no example holds a labelled pixel.
        """
        run = _Run(self._config, self._device, network, examples, self._checkpoint)
        run.auxiliary = self._auxiliary
        return run.go(report, cancel)


class _Run:
    """One training: the pieces that live for its duration."""

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        network: Network,
        examples: Sequence[Example],
        checkpoint: Path | None,
    ) -> None:
        self.config = config
        self.examples = examples
        self.network = network.to(device).train()
        self._freeze(config.frozen)
        self.checkpoint = checkpoint
        self.batch_size = config.batch_size
        average = WeightAverage(self.network, config.averaging)
        self.state = TrainState(self.network, average, self._optimiser(), None, [])
        steps, seconds = 0, 0.0
        self.saved_step: int | None = None
        if checkpoint is not None and checkpoint.exists():
            steps, seconds = self._restore(checkpoint)
        self.notice = ""
        self._use(device)
        self.clock = Clock(config, steps, seconds)
        self.saved_at = self.clock.seconds
        self.losses: list[float] = []
        self.auxiliary: Auxiliary | None = None

    def _restore(self, checkpoint: Path) -> tuple[int, float]:
        """Return the steps and seconds of a checkpoint, none where it is damaged and was set aside."""
        try:
            steps, seconds = restore_checkpoint(checkpoint, self.state)
        except DamagedFileError as error:
            told = DamagedFileError(f"{error}: the training begins anew")
            DamageLog(writable=True).set_aside(told, checkpoint)
            return 0, 0.0
        self.saved_step = steps
        return steps, seconds

    def _freeze(self, beginnings: tuple[str, ...]) -> None:
        """Leave weights out of the training whose names begin so."""
        for name, parameter in self.network.named_parameters():
            if name.startswith(beginnings):
                parameter.requires_grad_(False)

    def _optimiser(self) -> torch.optim.Optimizer:
        config = self.config
        parameters = self.network.parameters()
        return torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)

    def _use(self, device: torch.device) -> None:
        self.device = device
        self.sampler = PatchSampler(
            self.examples, self.config.patch, self.batch_size, device, self.config.augmentation
        )
        self.held_out = HeldOutLoss(self.examples, device)

    def go(self, report: Report, cancel: CancelToken) -> TrainResult:
        """Train to the end of the budget, or until cancelled."""
        try:
            stopped_by = self._train(report, cancel)
        except Cancelled:
            stopped_by = "cancel"
        if self.state.history:
            self._save(report)
        return self._result(stopped_by)

    def _train(self, report: Report, cancel: CancelToken) -> StoppedBy:
        if not self.state.history:
            self._validate(cancel)
        self._save(report)
        while (ended_by := self.clock.ended_by) is None:
            cancel.raise_if_cancelled()
            self._step_within_memory(cancel)
            if self._is_validation_due():
                self._validate(cancel)
                if self.config.stops_when_flat and is_flat(self.state.history):
                    return "flat"
            self._report(report)
            self._save_when_due(report)
        self._validate(cancel)
        return ended_by

    def _step_within_memory(self, cancel: CancelToken) -> None:
        try:
            self._step(cancel)
        except torch.OutOfMemoryError:
            self.network.zero_grad(set_to_none=True)
            if self.batch_size > 1:
                self.batch_size //= 2
                self.notice = f"not enough GPU memory: going on with {self.batch_size} patches a step"
                self._use(self.device)
            else:
                self.notice = "not enough GPU memory even for one patch: going on with the CPU"
                self._move_to_cpu()

    def _move_to_cpu(self) -> None:
        cpu = torch.device("cpu")
        self.network.to(cpu)
        self.state.average.network.to(cpu)
        self.state.optimiser = self._optimiser()
        self.batch_size = self.config.batch_size
        self._use(cpu)

    def _step(self, cancel: CancelToken) -> None:
        # A generator of its own for every step: a resumed training draws what it would have drawn.
        rng = np.random.default_rng([self.config.seed, self.clock.steps])
        batch = self.sampler.draw(rng)
        targets = make_targets(batch.annotation, self.network.spec.offsets)
        with mixed_precision(self.device):
            logits = self.network(batch.image)
        loss = masked_loss(logits.float(), targets)
        if self.auxiliary is not None:
            average, used = self.state.average.network, self.clock.used
            loss = loss + self.auxiliary(TrainingStep(self.network, average, batch, used, rng))
        # On a busy CPU a step takes seconds, most of it what follows; nothing has changed yet.
        cancel.raise_if_cancelled()
        for group in self.state.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.clock.rate
        self.state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.state.optimiser.step()
        self.state.average.update(self.network, self.clock.expected_steps)
        self.clock.tick()
        self.losses.append(float(loss.detach()))

    def _is_validation_due(self) -> bool:
        return self.clock.used >= len(self.state.history) / self.config.n_validations

    def _validate(self, cancel: CancelToken) -> None:
        held_out = self.held_out(self.state.average.network, cancel) if self.held_out else None
        earlier = [m.held_out for m in self.state.history if m.held_out is not None]
        loss = float(np.mean(self.losses)) if self.losses else None
        self.losses.clear()
        self.state.history.append(Moment(self.clock.steps, self.clock.seconds, loss, held_out))
        if held_out is None or held_out < min(earlier, default=np.inf):
            self.state.best = (self.clock.steps, self.state.average.network.stored_weights())

    def _report(self, report: Report) -> None:
        last = self.state.history[-1]
        loss = self.losses[-1] if self.losses else last.loss
        known = {"loss": loss, "held_out_loss": last.held_out}
        metrics = {name: value for name, value in known.items() if value is not None}
        message, phase = self.notice or "training", _phase(self.notice)
        report(Progress(self.clock.steps, self.clock.expected_steps, message, metrics, phase=phase))

    def _save_when_due(self, report: Report) -> None:
        if self.clock.seconds - self.saved_at >= self.config.checkpoint_seconds:
            self._save(report)

    def _save(self, report: Report) -> None:
        if self.checkpoint is None or self.saved_step == self.clock.steps:
            return
        self.saved_at, self.saved_step = self.clock.seconds, self.clock.steps
        try:
            save_checkpoint(self.checkpoint, self.state, self.clock.steps, self.clock.seconds)
        except StorageError as error:
            # The training itself is not lost yet: go on, and tell; saving the result fails if this lasts.
            self.notice = f"no checkpoint could be written: {error}"
            self._report(report)

    def _result(self, stopped_by: StoppedBy) -> TrainResult:
        averaged = self.state.average.network
        best_step, weights = self.state.best or (self.clock.steps, averaged.stored_weights())
        return TrainResult(
            weights,
            best_step,
            self.clock.steps,
            self.clock.seconds,
            str(self.device.type),
            stopped_by,
            tuple(self.state.history),
        )


def _phase(notice: str) -> Phase:
    return "" if notice else "training"
