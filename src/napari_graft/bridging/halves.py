"""The first half of a bridge on disk, so that the second can begin there."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from napari_graft.core.errors import DamagedFileError
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import Moment, TrainResult

_NUMBERS = ("best_step", "steps", "seconds", "device", "stopped_by")


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
