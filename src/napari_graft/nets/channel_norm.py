"""Normalisation over the channels of one pixel, which no other pixel has a say in."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """Normalisation of the channels of each pixel to mean 0 and variance 1, with learned scale and shift.

    Layer normalisation (Ba et al. 2016, arXiv 1607.06450) over channels alone, as in ConvNeXt (Liu et al.
    2022). Group normalisation takes its statistics from all of a window, so that an answer depends on where
    the window lies and how large it is; here it depends on nothing but what the convolutions reach.

    Parameters
    ----------
    n_channels
        Number of channels.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.num_channels = n_channels
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, n_channels, *spatial) to the same shape."""
        last = x.movedim(1, -1)
        return functional.layer_norm(last, (self.num_channels,), self.weight, self.bias).movedim(-1, 1)
