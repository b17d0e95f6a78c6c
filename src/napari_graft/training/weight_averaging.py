"""Averages of weights: over the steps of a training, and between its start and its end."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.nets.network import Network

SHARE_OF_RUN = 0.04
"""Usual share of a run over which its weights are averaged."""
_SHORTEST = 4.0


class WeightAverage:
    """Moving average of weights over about the last part of the run.

    Parameters
    ----------
    network
        The network in training; it is copied.
    share
        Of the run that it goes over.
    """

    def __init__(self, network: Network, share: float = SHARE_OF_RUN) -> None:
        self._share = share
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.n_updates = 0

    @torch.no_grad()
    def update(self, network: torch.nn.Module, expected_steps: int | None) -> None:
        """Move the average towards the network's weights."""
        self.n_updates += 1
        horizon = max(_SHORTEST, self._share * (expected_steps or 0))
        # Early on the average is young: never weigh the untrained start more than the steps so far.
        weight = max(1 / horizon, 1 / (self.n_updates + 1))
        averaged: list[torch.Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(averaged, [p.detach() for p in network.parameters()], weight)


SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the trained weights, from the start to the end of the way."""

Weights = Mapping[str, NDArray[np.float32]]


def mix_weights(start: Weights, trained: Weights, share: float) -> dict[str, NDArray[np.float32]]:
    """Return the weights at a share of the way, (1 - share) · start + share · trained.

    Between a network and what a short training made of it the error mostly has no hill, and a point on the
    way often does better than either end (WiSE-FT: Wortsman et al., *Robust fine-tuning of zero-shot
    models*, CVPR 2022, arXiv 2109.01903).

    Parameters
    ----------
    start, trained
        Weights by name, of one network.
    share
        0 gives those of the start, 1 the trained ones, exactly.

    Examples
    --------
    >>> start, trained = {"w": np.zeros(1, np.float32)}, {"w": np.ones(1, np.float32)}
    >>> mix_weights(start, trained, 0.25)["w"]
    array([0.25], dtype=float32)
    """
    return {name: _between(start[name], trained[name], share) for name in trained}


def _between(start: NDArray[np.float32], trained: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    kept, learned = np.float32(1 - share), np.float32(share)
    return np.asarray(kept * start + learned * trained, dtype=np.float32)
