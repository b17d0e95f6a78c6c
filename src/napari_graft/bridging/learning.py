"""The loop that learns a bridge: patches, losses, a step, the clock, and a state to go on from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.bridging.losses.registry import BRIDGE_LOSSES
from napari_graft.bridging.method import BridgeContext
from napari_graft.bridging.sampling import PairSampler, TargetSampler
from napari_graft.bridging.step import BridgeStep
from napari_graft.core.errors import Cancelled, DamagedFileError, StorageError
from napari_graft.core.progress import Progress
from napari_graft.io.documents import DamageLog
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.config import Clock, Moment, StoppedBy, TrainConfig, TrainResult

PATCH = {2: (128, 128), 3: (16, 64, 64)}
BATCH = {2: 2, 3: 1}
_MOMENTS = ("exp_avg", "exp_avg_sq")
_LARGEST_NORM = 1.0


@dataclass(frozen=True, slots=True)
class Weighing:
    """Losses and their weights, by name; a loss of weight 0 is not computed."""

    weights: Mapping[str, float]

    def losses(self, ndim: int, seed: int) -> torch.nn.ModuleDict:
        """Return the losses, those that learn themselves with weights drawn from `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return torch.nn.ModuleDict(
                {name: BRIDGE_LOSSES[name](ndim) for name, weight in self.weights.items() if weight}
            )

    def total(self, losses: torch.nn.ModuleDict, step: BridgeStep) -> torch.Tensor:
        """Return the weighted sum of the losses of a step."""
        total = step.target.new_zeros(())
        for name, loss in losses.items():
            total = total + self.weights[name] * loss(step)
        return total


@dataclass(slots=True)
class BridgeLearner:
    """Learner of a bridge: changes those parameters of a network that want a gradient.

    Parameters
    ----------
    network
        What is learned; it is changed.
    source
        The source as it was.
    weighing
        The losses.
    config
        Budget and learning rate.
    context
        Pairs, target, device, and where the state is kept.
    message
        What is being done, in words.
    """

    network: ResidualUNet
    source: ResidualUNet
    weighing: Weighing
    config: TrainConfig
    context: BridgeContext
    message: str = "learning to translate"
    _history: list[Moment] = field(default_factory=list)

    def learn(self) -> TrainResult:
        """Learn until the budget is used or the token is cancelled; both return what was learned so far.

        The state is saved every now and then and at the end. A step draws from a generator of its own, so
        that one who goes on draws what would have been drawn.
        """
        loop = _Loop(self)
        try:
            stopped_by = loop.go()
        except Cancelled:
            stopped_by = "cancel"
        loop.save()
        weights = self.network.stored_weights()
        steps, seconds = loop.clock.steps, loop.clock.seconds
        history = tuple(self._history)
        return TrainResult(weights, steps, steps, seconds, self.context.device.type, stopped_by, history)


class _Loop:
    """One learning: the pieces that live for its duration."""

    def __init__(self, learner: BridgeLearner) -> None:
        self.learner, self.context, self.config = learner, learner.context, learner.config
        device, ndim = self.context.device, learner.network.spec.ndim
        self.network = learner.network.to(device).train()
        self.source = learner.source.to(device).eval().requires_grad_(False)
        self.losses = learner.weighing.losses(ndim, self.config.seed).to(device)
        self.optimiser = torch.optim.AdamW(
            [one for _, one in self.parameters()], lr=self.config.learning_rate, weight_decay=0.0
        )
        data = self.context.data
        self.pairs = PairSampler(data.pairs, self.config.patch, device)
        self.target = TargetSampler(data.target, self.config.patch, device)
        steps, seconds = self.restore()
        self.clock = Clock(self.config, steps, seconds)
        self.saved_at, self.recent = self.clock.seconds, list[float]()

    def parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        """Return what is learned, by name."""
        for prefix, module in (("network", self.network), ("losses", self.losses)):
            for name, parameter in module.named_parameters():
                if parameter.requires_grad:
                    yield f"{prefix}.{name}", parameter

    def go(self) -> StoppedBy:
        """Learn until something ends it."""
        while (ended_by := self.clock.ended_by) is None:
            self.context.cancel.raise_if_cancelled()
            self.step()
            if self.clock.used >= (len(self.learner._history) + 1) / self.config.n_validations:
                self.note()
            self.tell()
            if self.clock.seconds - self.saved_at >= self.config.checkpoint_seconds:
                self.save()
        self.note()
        return ended_by

    def step(self) -> None:
        """Take one step."""
        rng = np.random.default_rng([self.config.seed, self.clock.steps])
        n = self.config.batch_size
        target, source = self.pairs.draw(n, rng)
        patches, data = self.target.draw(n, rng), self.context.data
        seen = BridgeStep(self.network, self.source, patches, target, source, data.foreground)
        loss = self.learner.weighing.total(self.losses, seen)
        self.context.cancel.raise_if_cancelled()  # on a busy CPU a step takes long; nothing has changed yet
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * self.clock.rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([one for _, one in self.parameters()], _LARGEST_NORM)
        self.optimiser.step()
        self.clock.tick()
        self.recent.append(float(loss.detach()))

    def note(self) -> None:
        """Write down the mean loss since the last time."""
        loss = float(np.mean(self.recent)) if self.recent else None
        self.recent.clear()
        self.learner._history.append(Moment(self.clock.steps, self.clock.seconds, loss, None))

    def tell(self) -> None:
        """Report how far it is."""
        last = self.learner._history[-1].loss if self.learner._history else None
        loss = self.recent[-1] if self.recent else last
        metrics = {} if loss is None else {"loss": loss}
        total = self.clock.expected_steps
        message = self.learner.message
        self.context.report(Progress(self.clock.steps, total, message, metrics, phase="training"))

    def save(self) -> None:
        """Write the state, from which `restore` goes on."""
        path = self.context.states.learning
        self.saved_at = self.clock.seconds
        if path is None:
            return
        tensors: dict[str, NDArray[Any]] = {}
        for name, parameter in self.parameters():
            tensors[f"value/{name}"] = parameter.detach().cpu().numpy()
            kept = self.optimiser.state.get(parameter, {})
            tensors |= {f"{m}/{name}": kept[m].detach().cpu().numpy() for m in _MOMENTS if m in kept}
        history = [asdict(moment) for moment in self.learner._history]
        record = {"steps": self.clock.steps, "seconds": self.clock.seconds, "history": history}
        try:
            save_tensors(path, tensors, {"training": json.dumps(record)})
        except StorageError as error:  # what is learned is not lost yet
            self.context.report(Progress(self.clock.steps, None, f"no checkpoint could be written: {error}"))

    def restore(self) -> tuple[int, float]:
        """Return the steps and seconds of the state on the disk, 0 where there is none or it is damaged."""
        path = self.context.states.learning
        if path is None or not path.is_file():
            return 0, 0.0
        try:
            return self._restore()
        except DamagedFileError as error:
            told = DamagedFileError(f"{error}: the learning begins anew")
            DamageLog(writable=True).set_aside(told, path)
            return 0, 0.0

    def _restore(self) -> tuple[int, float]:
        path = self.context.states.learning
        assert path is not None
        tensors, words = load_tensors(path)
        try:
            record = json.loads(words["training"])
            history = [Moment(**moment) for moment in record["history"]]
            values = {name: tensors[f"value/{name}"] for name, _ in self.parameters()}
            _require_shapes(values, dict(self.parameters()))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedFileError(f"{path} is no state of this bridge ({error})") from None
        for name, parameter in self.parameters():
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(values[name]))
            if f"{_MOMENTS[0]}/{name}" in tensors:
                self.optimiser.state[parameter] = {
                    "step": torch.tensor(float(record["steps"])),
                    **{m: torch.from_numpy(tensors[f"{m}/{name}"]).to(parameter.device) for m in _MOMENTS},
                }
        self.learner._history[:] = history
        return int(record["steps"]), float(record["seconds"])


def config_for(network: ResidualUNet, config: TrainConfig, rate: float) -> TrainConfig:
    """Return the same budget with a learning rate, and with patches that a network can take."""
    spec = network.spec
    usual = zip(PATCH[spec.ndim], spec.total_stride, strict=True)
    patch = tuple(-(-length // stride) * stride for length, stride in usual)
    return replace(config, learning_rate=rate, patch=patch, batch_size=BATCH[spec.ndim])


def _require_shapes(values: Mapping[str, NDArray[Any]], wanted: Mapping[str, torch.Tensor]) -> None:
    for name, value in values.items():
        if tuple(value.shape) != tuple(wanted[name].shape):
            raise ValueError(f"{name} has shape {value.shape}")
