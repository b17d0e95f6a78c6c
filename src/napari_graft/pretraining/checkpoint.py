"""The state of an unfinished pretraining on disk, so that it can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.build import load_weights
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.record import PretrainMoment

Tensors = dict[str, NDArray[Any]]

_KEPT = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of a parameter."""


@dataclass(slots=True)
class Half:
    """One of the two kinds of steps: the named parameters that it trains, and the optimiser over them."""

    parameters: dict[str, nn.Parameter]
    optimiser: torch.optim.Optimizer


@dataclass(slots=True)
class PretrainState:
    """State of a pretraining that a checkpoint keeps.

    Parameters
    ----------
    network
        What is prepared.
    objective
        Parts that are thrown away in the end.
    halves
        ``self_supervised`` and ``replay``.
    good
        Weights, with their step, of the last moment within the tolerance.
    history
        The curves so far.
    """

    network: ResidualUNet
    objective: nn.Module
    halves: dict[str, Half]
    good: tuple[int, dict[str, NDArray[np.float32]]]
    history: list[PretrainMoment]


def save_checkpoint(path: Path, state: PretrainState, steps: int, seconds: float) -> None:
    """Write the whole state atomically, as safetensors.

    Raises
    ------
    StorageError
        If it cannot be written; an old one is still there.
    """
    tensors: Tensors = {f"network/{k}": v for k, v in state.network.stored_weights().items()}
    tensors |= {f"objective/{k}": v.detach().cpu().numpy() for k, v in state.objective.state_dict().items()}
    tensors |= {f"good/{k}": v for k, v in state.good[1].items()}
    for name, half in state.halves.items():
        tensors |= dict(_moments(name, half))
    record = {
        "steps": steps,
        "seconds": seconds,
        "good_step": state.good[0],
        "history": [moment.model_dump(mode="json") for moment in state.history],
    }
    # Under the word that all trainings use, so that the age of a checkpoint is read in one way.
    save_tensors(path, tensors, {"training": json.dumps(record)})


def _moments(name: str, half: Half) -> Iterator[tuple[str, NDArray[Any]]]:
    for parameter_name, parameter in half.parameters.items():
        kept = half.optimiser.state.get(parameter, {})
        for key in _KEPT:
            if key in kept:
                yield f"{name}:{key}/{parameter_name}", kept[key].detach().cpu().numpy()


def restore_checkpoint(path: Path, state: PretrainState) -> tuple[int, float]:
    """Load a state written by `save_checkpoint` and return the steps and seconds it had used.

    Raises
    ------
    DamagedFileError
        If the file is damaged or belongs to another network or objective.
    InputError
        If it may not be read.
    """
    tensors, metadata = load_tensors(path)
    try:
        record = json.loads(metadata["training"])
        history = [PretrainMoment.model_validate(moment) for moment in record["history"]]
        objective = {k: torch.from_numpy(np.array(v)) for k, v in _part(tensors, "objective").items()}
        good = (int(record["good_step"]), _part(tensors, "good"))
        state.objective.load_state_dict(objective)
        load_weights(state.network, _part(tensors, "network"))
    except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedFileError(f"{path} is no checkpoint of this pretraining ({error})") from None
    for name, half in state.halves.items():
        _restore_moments(tensors, name, half)
    state.good = good
    state.history[:] = history
    return int(record["steps"]), float(record["seconds"])


def _restore_moments(tensors: Tensors, name: str, half: Half) -> None:
    parts = {key: _part(tensors, f"{name}:{key}") for key in _KEPT}
    for parameter_name, parameter in half.parameters.items():
        if parameter_name in parts["step"]:
            found = {key: torch.from_numpy(np.array(part[parameter_name])) for key, part in parts.items()}
            moments = {key: found[key].to(parameter.device) for key in _KEPT[1:]}
            half.optimiser.state[parameter] = {"step": found["step"], **moments}


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {k.split("/", 1)[1]: v for k, v in tensors.items() if k.startswith(prefix + "/")}
