"""The one trainer: it knows networks, examples and the clock, and no thread, project or window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Phase, Progress, Report
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network
from napari_graft.training.auxiliary import Auxiliary, TrainingStep
from napari_graft.training.budgeted_run import BudgetedRun
from napari_graft.training.checkpoint import TrainState, restore_checkpoint, save_checkpoint
from napari_graft.training.config import Moment, StoppedBy, TrainConfig, TrainResult, is_flat
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


class _Run(BudgetedRun):
    """One training: the pieces that live for its duration."""

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        network: Network,
        examples: Sequence[Example],
        checkpoint: Path | None,
    ) -> None:
        super().__init__(device, config.batch_size, checkpoint, "training")
        self.config = config
        self.examples = examples
        self.network = network.to(device).train()
        self._freeze(config.frozen)
        average = WeightAverage(self.network, config.averaging)
        self.state = TrainState(self.network, average, self._optimiser(), None, [])
        self._draw_from_examples()
        self.start_clock(config)
        self.losses: list[float] = []
        self.auxiliary: Auxiliary | None = None

    def _freeze(self, beginnings: tuple[str, ...]) -> None:
        """Leave weights out of the training whose names begin so."""
        for name, parameter in self.network.named_parameters():
            if name.startswith(beginnings):
                parameter.requires_grad_(False)

    def _optimiser(self) -> torch.optim.Optimizer:
        config = self.config
        parameters = self.network.parameters()
        return torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)

    def _draw_from_examples(self) -> None:
        """Have the examples where the network is, in batches of the present size."""
        config = self.config
        self.sampler = PatchSampler(
            self.examples, config.patch, self.batch_size, self.device, config.augmentation
        )
        self.held_out = HeldOutLoss(self.examples, self.device)

    def _trained(self) -> tuple[nn.Module, ...]:
        return (self.network,)

    def _settle(self, *, is_moved: bool) -> None:
        if is_moved:
            self.network.to(self.device)
            self.state.average.network.to(self.device)
            self.state.optimiser = self._optimiser()
        self._draw_from_examples()

    def _read_state(self, path: Path) -> tuple[int, float]:
        return restore_checkpoint(path, self.state)

    def _write_state(self, path: Path) -> None:
        save_checkpoint(path, self.state, self.clock.steps, self.clock.seconds)

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
            self.step_within_memory(cancel)
            if self._is_validation_due():
                self._validate(cancel)
                if self.config.stops_when_flat and is_flat(self.state.history):
                    return "flat"
            self._report(report)
            if self.is_save_due(self.config.checkpoint_seconds):
                self._save(report)
        self._validate(cancel)
        return ended_by

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
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
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

    def _save(self, report: Report) -> None:
        if not self.save():
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
