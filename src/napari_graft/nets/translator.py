"""The translator of a bridged source: recolours an image of one modality to look like another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from napari_graft.sources.network_spec import TranslatorSpec


class Translator(nn.Module):
    """Recolouring network ``T(x) = gain x + offset + r(x)`` with fewer than 5,000 weights.

    It plays the part of the modality translation of TGMB (Zhu, Chen and Wang, arXiv 2401.05014). The residual
    r sees a few pixels around each one: enough to tell a rim from a filled disc, too little to invent one.
    Its last convolution begins at 0, so that T begins as the view that gain and offset make.

    Parameters
    ----------
    spec
        Convolutions of the residual, with rectifiers between them.
    ndim
        Spatial axes of the image. Along z nothing is mixed.
    """

    def __init__(self, spec: TranslatorSpec, ndim: int) -> None:
        super().__init__()
        convolution: Callable[..., nn.Module] = nn.Conv2d if ndim == 2 else nn.Conv3d
        n_flat = ndim - 2
        self.gain = nn.Parameter(torch.ones(1))
        self.offset = nn.Parameter(torch.zeros(1))
        self.residual = nn.ModuleList(
            convolution(
                n_in,
                n_out,
                (*(1,) * n_flat, kernel, kernel),
                padding=(*(0,) * n_flat, *(step * (kernel // 2),) * 2),
                dilation=(*(1,) * n_flat, step, step),
            )
            for (n_in, n_out), kernel, step in zip(
                pairwise(spec.channels), spec.kernels, spec.steps, strict=True
            )
        )
        with torch.no_grad():
            for parameter in self.residual[-1].parameters():
                parameter.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map a normalised image (N, 1, *spatial) to the same shape."""
        y = x
        for number, layer in enumerate(self.residual):
            y = layer(y if number == 0 else functional.relu(y))
        return self.gain * x + self.offset + y
