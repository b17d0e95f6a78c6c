"""A network whose every filter is a mix of the same filter of several others."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from napari_graft.merging.recipe import Shares
from napari_graft.nets.build import build_network
from napari_graft.nets.network import Network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec

GAIN = 30.0
"""Logits are kept divided by this, so that they learn that many times faster than the weights of the head: a
few dozen steps must be enough to leave the plain average."""
_REACH = 12.0
"""Difference of two logits after a learning in which each step goes the same way, where shares are 0 and 1 in
all but name. Steps do not agree that well, so that half of it may be reached."""
_HEAD = "head"


class MixedUNet(Network):
    """U-Net mixed of K networks filter by filter; the shares and the head are learned.

    Filter j of each convolution is sum_k s_kj θ_kj with s_j = softmax(g_j) over the K networks (for two of
    them the w_j and 1 - w_j of MedMerge, Almakky et al. 2024, arXiv 2403.11646); bias, and scale and shift of
    the normalisation behind it, are mixed by the same shares. All g start at 0, which is the plain average,
    as the head does, the one part that is learned itself.

    Parameters
    ----------
    members
        Networks of one architecture, their channels in one order; they are copied and never changed.
    gain
        How many times faster the logits learn than the head.
    is_per_slice
        Whether each slice of a filter, one for each channel that it looks at, has a share of its own. Bias,
        scale and shift of a filter are then mixed by the mean over its slices.
    """

    def __init__(
        self, members: Sequence[ResidualUNet], *, gain: float = GAIN, is_per_slice: bool = False
    ) -> None:
        super().__init__()
        self._gain = gain
        self.spec: ModelSpec = members[0].spec
        with torch.device("meta"):
            skeleton = ResidualUNet(self.spec)
        # In a tuple, where torch does not find it: its weights are computed anew each time.
        self._skeleton = (skeleton,)
        self.head = copy.deepcopy(members[0].head).cpu()
        stacks = _stack([dict(member.named_parameters()) for member in members])
        with torch.no_grad():
            for name, parameter in self.head.named_parameters():
                parameter.copy_(stacks.pop(f"{_HEAD}.{name}").mean(0))
        self._names = tuple(stacks)
        for name, stack in stacks.items():
            # They are the members' own and stored with them.
            self.register_buffer(_flat(name), stack, persistent=False)
        shapes = _shapes(stacks, n_axes=3 if is_per_slice else 2)
        self.logits = nn.ParameterDict({_flat(name): torch.zeros(shape) for name, shape in shapes.items()})
        self._filters = tuple(shapes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (N, 1 + n_offsets, *spatial), as the mixed network does."""
        answer: torch.Tensor = functional_call(self._skeleton[0], self._mixed(), (x,))
        return answer

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the activations of every level of the mixed network, the deepest last."""
        return self.fold().encode(x)

    def shares(self) -> Shares:
        """Return the share of each member in each filter, (K, n_filters)."""
        return {name: _of_filters(self._shares(name)).detach().cpu().numpy() for name in self._filters}

    def spread(self) -> torch.Tensor:
        """Return the mean squared distance of all shares from the plain average."""
        shares = [self._shares(name) for name in self._filters]
        squares = torch.cat([(one - 1 / len(one)).square().flatten() for one in shares])
        return squares.mean()

    def fold(self) -> ResidualUNet:
        """Return the mixed network as a plain one, which answers alike."""
        weights = {name: value.detach().cpu().numpy() for name, value in self._mixed().items()}
        return build_network(self.spec, weights)

    def stored_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return a copy of what is learned: the logits of the shares and the head."""
        return {k: v.detach().cpu().numpy().astype(np.float32) for k, v in self.state_dict().items()}

    def _shares(self, name: str) -> torch.Tensor:
        return torch.softmax(self._gain * self.logits[_flat(name)], dim=0)

    def _mixed(self) -> dict[str, torch.Tensor]:
        shares = {name: self._shares(name) for name in self._filters}
        weights: dict[str, torch.Tensor] = {
            f"{_HEAD}.{name}": value for name, value in self.head.named_parameters()
        }
        for name in self._names:
            stack, share = self.get_buffer(_flat(name)), shares[filter_name(name)]
            share = share if stack.ndim > share.ndim else _of_filters(share)
            # Not by einsum: its backward pass crashed the process for narrow networks (torch 2.13, CPU).
            weights[name] = (share.reshape(*share.shape, *(1,) * (stack.ndim - share.ndim)) * stack).sum(0)
        return weights


def gain_for(learning_rate: float, n_steps: int) -> float:
    """Return the gain with which shares can go from the plain average to one member within so many steps.

    A step of Adam is no longer than the learning rate, whose mean over a schedule is about half the largest.

    >>> gain_for(1e-3, 100), gain_for(1e-3, 200)
    (120.0, 60.0)
    """
    return _REACH / (learning_rate * max(n_steps, 1))


def _of_filters(shares: torch.Tensor) -> torch.Tensor:
    """Return the share of each filter, the mean over its slices where these have shares of their own."""
    return shares if shares.ndim == 2 else shares.mean(2)


def filter_name(parameter: str) -> str:
    """Return the name of the convolution whose filters a parameter belongs to.

    >>> filter_name("encoder.0.first_norm.bias")
    'encoder.0.first'
    """
    return parameter.rpartition(".")[0].removesuffix("_norm")


def _shapes(stacks: Mapping[str, torch.Tensor], n_axes: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of the logits of each convolution; bias and normalisation have one axis alone."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, stack in stacks.items():
        known = shapes.get(filter_name(name), ())
        shapes[filter_name(name)] = max(known, tuple(stack.shape[:n_axes]), key=len)
    return shapes


def _stack(members: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    # On the CPU first: one that was just measured may be on a GPU, one that was just loaded is not.
    return {name: torch.stack([one[name].detach().cpu() for one in members]) for name in members[0]}


def _flat(name: str) -> str:
    """Return a name that torch takes for a buffer or a parameter."""
    return name.replace(".", "_")
