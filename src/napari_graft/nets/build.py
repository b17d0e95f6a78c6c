"""Make a network of any kind from its specification and its stored weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.registry import Registry
from napari_graft.nets.foreign import load_foreign
from napari_graft.nets.network import Network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec, NetworkSpec

Weights = Mapping[str, NDArray[Any]]


def build_network(spec: ModelSpec, weights: Weights | None = None, *, seed: int = 0) -> ResidualUNet:
    """Build a network, with the given weights or with fresh ones drawn from `seed`.

    Raises
    ------
    InputError
        If the weights' names or shapes are not those of the specification.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ResidualUNet(spec)
    if weights is not None:
        load_weights(network, weights)
    return network


def load_weights(network: torch.nn.Module, weights: Weights) -> None:
    """Copy stored weights (any float type) into a network, in float32.

    Raises
    ------
    InputError
        If a tensor is missing, left over, of another shape, or not finite.
    """
    expected = network.state_dict()
    missing, unknown = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or unknown:
        raise InputError(
            f"the weights do not fit the network: {len(missing)} tensors missing {missing[:2]}, "
            f"{len(unknown)} unknown {unknown[:2]}: use the card that came with these weights"
        )
    for name, value in weights.items():
        if tuple(value.shape) != tuple(expected[name].shape):
            raise InputError(
                f"weight {name!r} has shape {tuple(value.shape)} where the network needs "
                f"{tuple(expected[name].shape)}: use the card that came with these weights"
            )
        if not np.isfinite(value).all():
            raise InputError(
                f"weight {name!r} holds NaN or infinite values: the file is damaged, get it again"
            )
    network.load_state_dict({k: torch.from_numpy(np.array(v, np.float32)) for k, v in weights.items()})


KINDS: Registry[Callable[..., Network]] = Registry("network architecture")
"""By `NetworkSpec.architecture`: called with a specification of that architecture and its weights."""
KINDS.register("residual-unet")(build_network)
KINDS.register("torchscript")(load_foreign)


def load_network(spec: NetworkSpec, weights: Weights) -> Network:
    """Make the network that a source, a run or another process stored.

    Raises
    ------
    InputError
        If the weights are not those of the specification.
    """
    return KINDS[spec.architecture](spec, weights)


def trainable(network: Network, name: str) -> ResidualUNet:
    """Return a network whose training can go on.

    Raises
    ------
    InputError
        If `name` was imported as a finished network.
    """
    if not isinstance(network, ResidualUNet):
        raise InputError(
            f"{name!r} was imported as a finished network: it can be previewed, compared and predicted with, "
            "but training cannot go on from it; start from a source of napari-graft's own architecture"
        )
    return network
