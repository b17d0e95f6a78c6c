"""The kinds of networks that there are, and how each is made from its specification and its weights."""

from __future__ import annotations

from collections.abc import Callable

from napari_graft.core.errors import InputError
from napari_graft.core.registry import Registry
from napari_graft.nets.build import Weights, build_network
from napari_graft.nets.foreign import load_foreign
from napari_graft.nets.network import Network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import NetworkSpec

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
