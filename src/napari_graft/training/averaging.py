"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch

from napari_graft.nets.network import Network

_SHARE_OF_RUN = 0.04
_SHORTEST = 4.0


class WeightAverage:
    """Moving average of weights over about the last twenty-fifth of the run.

    Parameters
    ----------
    network
        The network in training; it is copied.
    """

    def __init__(self, network: Network) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.n_updates = 0

    @torch.no_grad()
    def update(self, network: torch.nn.Module, expected_steps: int | None) -> None:
        """Move the average towards the network's weights."""
        self.n_updates += 1
        horizon = max(_SHORTEST, _SHARE_OF_RUN * (expected_steps or 0))
        # Early on the average is young: never weigh the untrained start more than the steps so far.
        weight = max(1 / horizon, 1 / (self.n_updates + 1))
        averaged: list[torch.Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(averaged, [p.detach() for p in network.parameters()], weight)
