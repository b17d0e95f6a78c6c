"""Momentum contrast with a queue of negatives, as CUPre trains its backbone."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.objective import SelfSupervision, encode
from napari_graft.training.unlabelled import PatchView

QUEUE = 4096
MOMENTUM = 0.999
TEMPERATURE = 0.2
_DIMENSIONS = 128


class MomentumContrast(SelfSupervision):
    r"""Contrast of two views of one place against keys of other places.

    .. math:: L = -\log \frac{\exp(q \cdot k^+ / T)}{\exp(q \cdot k^+ / T) + \sum_i \exp(q \cdot k_i / T)}

    with the query q of one view, the key k⁺ of the other by an encoder that follows the trained one,
    θ_k ← m θ_k + (1 − m) θ_q, and the keys k_i of earlier patches in a queue (He et al., *Momentum contrast*,
    CVPR 2020, arXiv 1911.05722; with the two-layer head and the temperature of its second version, arXiv
    2003.04297). The queue begins with random keys, as in the authors' code.

    Parameters
    ----------
    network
        Its encoder is trained.
    """

    n_views = 2
    queue: torch.Tensor
    next_key: torch.Tensor

    def __init__(self, network: ResidualUNet) -> None:
        super().__init__()
        width = network.spec.widths[-1]
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, _DIMENSIONS))
        self.key_network = encoder_of(network).requires_grad_(False)
        self.key_head = copy.deepcopy(self.head).requires_grad_(False)
        self.register_buffer("queue", functional.normalize(torch.randn(QUEUE, _DIMENSIONS), dim=1))
        self.register_buffer("next_key", torch.zeros((), dtype=torch.int64))
        self._new_keys: torch.Tensor | None = None

    def loss(
        self, network: ResidualUNet, views: Sequence[PatchView], rng: np.random.Generator
    ) -> torch.Tensor:
        """Return the cross-entropy of finding the key of the same place among those of the queue."""
        one, other = views
        query = _embed(network, self.head, one.image)
        with torch.no_grad():
            key = _embed(self.key_network, self.key_head, other.image)
        logits = torch.cat([(query * key).sum(1, keepdim=True), query @ self.queue.T], 1) / TEMPERATURE
        self._new_keys = key
        return functional.cross_entropy(logits, torch.zeros(len(query), dtype=torch.int64, device=key.device))

    @torch.no_grad()
    def after_step(self, network: ResidualUNet) -> None:
        """Let the key encoder follow, and put the new keys in place of the oldest ones."""
        follow: list[torch.Tensor] = [*self.key_network.encoder.parameters(), *self.key_head.parameters()]
        lead = [*network.encoder.parameters(), *self.head.parameters()]
        torch._foreach_lerp_(follow, [one.detach() for one in lead], 1 - MOMENTUM)
        if self._new_keys is None:
            return
        places = (torch.arange(len(self._new_keys), device=self.queue.device) + self.next_key) % QUEUE
        self.queue[places] = self._new_keys
        self.next_key.add_(len(self._new_keys)).remainder_(QUEUE)
        self._new_keys = None


def encoder_of(network: ResidualUNet) -> ResidualUNet:
    """Return a copy of a network with nothing but its encoder."""
    alone = copy.deepcopy(network)
    alone.reducers, alone.decoder, alone.head = nn.ModuleList(), nn.ModuleList(), nn.Identity()
    return alone


def _embed(network: ResidualUNet, head: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """Return a unit vector for each patch, (N, dimensions)."""
    return functional.normalize(head(encode(network, image)[-1].flatten(2).mean(2)), dim=1)
