"""Alternating pretraining: cycles of self-supervision of the encoder and replay on the whole network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.checkpoint import Half, PretrainState, restore_checkpoint, save_checkpoint
from napari_graft.pretraining.config import PretrainConfig, PretrainResult, StoppedBy
from napari_graft.pretraining.objective import Objective
from napari_graft.pretraining.record import PretrainMoment
from napari_graft.pretraining.replay import ReplayStream
from napari_graft.training.budgeted_run import BudgetedRun
from napari_graft.training.patches import Augmentation
from napari_graft.training.unlabelled import Images, UnlabelledImages

N_CHECKED = 2
"""Batches of each stream by which it is judged whether the replay loss has risen."""
_CHECK_SEED = 7
MESSAGE = "preparing the source"


@dataclass(frozen=True, slots=True)
class Pretrainer:
    """Prepares a source for images without labels, as CUPre (Liao et al., arXiv 2310.03981) does for cells.

    In every cycle the encoder alone is trained by self-supervision, and then the whole network by replay, so
    that the head stays in step with the encoder. Each has an optimiser of its own. Once the replay loss, on
    patches that stay the same, stands by more than the tolerance above its start, it ends, and the weights
    of the cycle before are what is left.

    Parameters
    ----------
    config
        Budget and cycle.
    device
        Where to train; on running out of memory the batch is halved, then the CPU takes over.
    checkpoint
        File for the state, resumed from where it exists, or None.
    """

    config: PretrainConfig
    device: torch.device
    checkpoint: Path | None = None

    def fit(
        self,
        network: ResidualUNet,
        data: PretrainingData,
        *,
        report: Report,
        cancel: CancelToken,
    ) -> PretrainResult:
        """Prepare a network (it is changed) until the budget is used or the token is cancelled.

        Either way the best weights so far come back.

        Raises
        ------
        InputError
            If there is no image.
        """
        return _Run(self, network, data).go(report, cancel)


@dataclass(frozen=True, slots=True)
class PretrainingData:
    """What a source is prepared with.

    Parameters
    ----------
    images
        Unlabelled images, on its grid.
    objective
        The self-supervision.
    streams
        Replayed in turn, step by step; none leaves the replay out, and the stop rule with it.
    """

    images: Images
    objective: Objective
    streams: Sequence[ReplayStream]


class _Run(BudgetedRun):
    """One pretraining: the pieces that live for its duration."""

    def __init__(self, of: Pretrainer, network: ResidualUNet, data: PretrainingData) -> None:
        config = self.config = of.config
        super().__init__(of.device, config.batch_size, of.checkpoint, "pretraining")
        self.streams = data.streams
        self.images = UnlabelledImages(data.images, config.patch, Augmentation())
        self.network = network.cpu().train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.objective = data.objective(self.network)
        self.state = self._begin()
        self.start_clock(config.clock_config())
        self.losses: dict[str, list[float]] = {"self_supervised": [], "replay": []}

    def _begin(self) -> PretrainState:
        """Return the state of a beginning, on the device."""
        self.network.to(self.device)
        self.objective.to(self.device)
        encoder = {f"encoder.{k}": v for k, v in self.network.encoder.named_parameters()}
        own = {f"objective.{k}": v for k, v in self.objective.named_parameters() if v.requires_grad}
        halves = {
            "self_supervised": self._half(encoder | own),
            "replay": self._half(dict(self.network.named_parameters())),
        }
        return PretrainState(self.network, self.objective, halves, (0, self.network.stored_weights()), [])

    def _half(self, parameters: dict[str, nn.Parameter]) -> Half:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return Half(parameters, torch.optim.AdamW(parameters.values(), lr=rate, weight_decay=decay))

    def _trained(self) -> tuple[nn.Module, ...]:
        return self.network, self.objective

    def _settle(self, *, is_moved: bool) -> None:
        if is_moved:
            good, history = self.state.good, self.state.history
            self.state = self._begin()
            self.state.good, self.state.history = good, history

    def _read_state(self, path: Path) -> tuple[int, float]:
        return restore_checkpoint(path, self.state)

    def _write_state(self, path: Path) -> None:
        save_checkpoint(path, self.state, self.clock.steps, self.clock.seconds)

    def go(self, report: Report, cancel: CancelToken) -> PretrainResult:
        """Prepare to the end of the budget, until the replay loss has risen, or until cancelled."""
        try:
            stopped_by = self._train(report, cancel)
        except Cancelled:
            stopped_by = "cancel"
        self.save()
        best_step, weights = self.state.good
        history = tuple(self.state.history)
        return PretrainResult(
            weights,
            best_step,
            self.clock.steps,
            self.clock.seconds,
            self.device.type,
            stopped_by,
            history,
        )

    def _train(self, report: Report, cancel: CancelToken) -> StoppedBy:
        if not self.state.history:
            self._look(cancel)
        self.save()
        while (ended_by := self._ended_by()) is None:
            cancel.raise_if_cancelled()
            self.step_within_memory(cancel)
            report(self._progress())
            if self.clock.steps % self.config.cycle == 0:
                if self._has_risen(self._look(cancel)):
                    return "replay"
                if self.is_save_due(self.config.checkpoint_seconds):
                    self.save()
        if self.state.history[-1].step < self.clock.steps and self._has_risen(self._look(cancel)):
            return "replay"
        return ended_by

    def _ended_by(self) -> StoppedBy | None:
        ended_by = self.clock.ended_by
        return None if ended_by == "flat" else ended_by

    def _step(self, cancel: CancelToken) -> None:
        # A generator of its own for every step: a resumed pretraining draws what it would have drawn.
        rng = np.random.default_rng([self.config.seed, self.clock.steps])
        is_own = self.config.is_self_supervised(self.clock.steps) or not self.streams
        name = "self_supervised" if is_own else "replay"
        loss = self._self_supervised_loss(rng) if is_own else self._replay_loss(rng)
        # On a busy CPU a step takes seconds, most of it what follows; nothing has changed yet.
        cancel.raise_if_cancelled()
        half = self.state.halves[name]
        for group in half.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.clock.rate
        half.optimiser.zero_grad(set_to_none=True)
        if loss.requires_grad:
            loss.backward()
            nn.utils.clip_grad_norm_(half.parameters.values(), 1.0)
            half.optimiser.step()
        if is_own:
            self.objective.after_step(self.network)
        self.clock.tick()
        self.losses[name].append(float(loss.detach()))

    def _self_supervised_loss(self, rng: np.random.Generator) -> torch.Tensor:
        views = self.images.draw(self.batch_size, self.objective.n_views, rng, self.device)
        return self.objective.loss(self.network, views, rng)

    def _replay_loss(self, rng: np.random.Generator) -> torch.Tensor:
        stream = self.streams[self.clock.steps % len(self.streams)]
        return stream.loss(self.network, self.batch_size, rng)

    def _look(self, cancel: CancelToken) -> PretrainMoment:
        """Note the losses of the cycle, and keep the weights unless the replay loss has risen."""
        means = {name: float(np.mean(values)) if values else None for name, values in self.losses.items()}
        seconds = round(self.clock.seconds, 2)
        moment = PretrainMoment(step=self.clock.steps, seconds=seconds, check=self._check(cancel), **means)
        for values in self.losses.values():
            values.clear()
        self.state.history.append(moment)
        if not self._has_risen(moment):
            self.state.good = (self.clock.steps, self.network.stored_weights())
        return moment

    @torch.no_grad()
    def _check(self, cancel: CancelToken) -> float | None:
        """Return the mean replay loss on patches that are the same each time; None without replay."""
        losses = []
        for stream in self.streams:
            for i in range(N_CHECKED):
                cancel.raise_if_cancelled()
                rng = np.random.default_rng([self.config.seed, _CHECK_SEED, i])
                losses.append(float(stream.loss(self.network, 1 + self.config.batch_size // 2, rng)))
        return float(np.mean(losses)) if losses else None

    def _has_risen(self, moment: PretrainMoment) -> bool:
        start = self.state.history[0].check
        if start is None or moment.check is None:
            return False
        return moment.check > (1 + self.config.tolerance) * start

    def _progress(self) -> Progress:
        last = {name: values[-1] for name, values in self.losses.items() if values}
        message = self.notice or MESSAGE
        return Progress(self.clock.steps, self.clock.expected_steps, message, last)
