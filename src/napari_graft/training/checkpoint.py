"""The state of an unfinished training on disk, so that it can be resumed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.nets.build import load_weights
from napari_graft.nets.network import Network
from napari_graft.training.config import Moment
from napari_graft.training.weight_averaging import WeightAverage

_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(slots=True)
class TrainState:
    """State of a training that a checkpoint keeps.

    Parameters
    ----------
    network, average, optimiser
        What is trained, its moving average, and AdamW over it.
    best
        Best averaged weights so far with their step, or None.
    history
        Losses over time.
    """

    network: Network
    average: WeightAverage
    optimiser: torch.optim.Optimizer
    best: tuple[int, dict[str, NDArray[np.float32]]] | None
    history: list[Moment]


def save_checkpoint(path: Path, state: TrainState, steps: int, seconds: float) -> None:
    """Write the whole state atomically, as safetensors."""
    tensors: dict[str, NDArray[Any]] = {}
    tensors |= {f"network/{k}": v for k, v in state.network.stored_weights().items()}
    tensors |= {f"average/{k}": v for k, v in state.average.network.stored_weights().items()}
    for name, parameter in state.network.named_parameters():
        moments = state.optimiser.state.get(parameter, {})
        tensors |= {f"{m}/{name}": moments[m].detach().cpu().numpy() for m in _MOMENTS if m in moments}
    if state.best is not None:
        tensors |= {f"best/{k}": v for k, v in state.best[1].items()}
    record = {
        "steps": steps,
        "seconds": seconds,
        "best_step": state.best[0] if state.best else None,
        "history": [asdict(moment) for moment in state.history],
    }
    save_tensors(path, tensors, {"training": json.dumps(record)})


def restore_checkpoint(path: Path, state: TrainState) -> tuple[int, float]:
    """Load a state written by `save_checkpoint` and return the steps and seconds it had used.

    Raises
    ------
    DamagedFileError
        If the file is damaged or belongs to another network.
    InputError
        If it may not be read.
    """
    tensors, metadata = load_tensors(path)
    try:
        record = json.loads(metadata["training"])
        history = [Moment(**moment) for moment in record["history"]]
        load_weights(state.network, _part(tensors, "network"))
        load_weights(state.average.network, _part(tensors, "average"))
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(f"{path} is no checkpoint of this training ({error})") from None
    state.average.n_updates = int(record["steps"])
    moments = {m: _part(tensors, m) for m in _MOMENTS}
    for name, parameter in state.network.named_parameters():
        if name in moments["exp_avg"]:
            state.optimiser.state[parameter] = {
                "step": torch.tensor(float(record["steps"])),
                **{m: torch.from_numpy(moments[m][name]).to(parameter.device) for m in _MOMENTS},
            }
    best = _part(tensors, "best")
    state.best = (int(record["best_step"]), best) if best else None
    state.history[:] = history
    return int(record["steps"]), float(record["seconds"])


def _part(tensors: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[np.float32]]:
    return {k.split("/", 1)[1]: v for k, v in tensors.items() if k.startswith(prefix + "/")}
