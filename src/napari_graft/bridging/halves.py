"""The two halves of a bridge as one piece of work: their budgets, progress, records and the disk between."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from napari_graft.core.errors import DamagedFileError
from napari_graft.core.progress import Progress, Report
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import Moment, TrainConfig, TrainResult

_NUMBERS = ("best_step", "steps", "seconds", "device", "stopped_by")


def part_of(config: TrainConfig, share: float) -> TrainConfig:
    """Return the budget of the first half, at least one step or a tenth of a second."""
    return replace(
        config,
        time_budget=None if config.time_budget is None else max(0.1, share * config.time_budget),
        max_steps=None if config.max_steps is None else max(1, round(share * config.max_steps)),
    )


def rest_of(config: TrainConfig, first: TrainResult) -> TrainConfig:
    """Return what the first half has left, at least one step or a tenth of a second."""
    return replace(
        config,
        time_budget=None if config.time_budget is None else max(0.1, config.time_budget - first.seconds),
        max_steps=None if config.max_steps is None else max(1, config.max_steps - first.steps),
    )


def report_of_first(report: Report, share: float) -> Report:
    """Report the progress of the first half as that of both, in steps."""

    def tell(state: Progress) -> None:
        total = None if state.total is None else state.total / share
        report(replace(state, total=total))

    return tell


def report_of_second(report: Report, n_done: int) -> Report:
    """Report the progress of the second half as that of both, in steps."""

    def tell(state: Progress) -> None:
        total = None if state.total is None else state.total + n_done
        report(replace(state, done=state.done + n_done, total=total))

    return tell


def save_first(path: Path, network: ResidualUNet, training: TrainResult) -> None:
    """Keep what the first half came to.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    numbers = {name: getattr(training, name) for name in _NUMBERS}
    history = [asdict(moment) for moment in training.history]
    words = {"training": json.dumps({**numbers, "history": history})}
    save_tensors(path, network.stored_weights(), words)


def load_first(path: Path, spec: ModelSpec) -> tuple[ResidualUNet, TrainResult]:
    """Return what `save_first` kept.

    Raises
    ------
    DamagedFileError
        If it is damaged.
    InputError
        If the weights are those of another network.
    """
    weights, words = load_tensors(path)
    network = build_network(spec, weights)
    try:
        record = json.loads(words["training"])
        history = tuple(Moment(**moment) for moment in record.pop("history"))
        return network, TrainResult(weights=network.stored_weights(), history=history, **record)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{path} holds no first half of a bridge ({error})") from None
