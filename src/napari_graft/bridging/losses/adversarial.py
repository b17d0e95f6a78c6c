"""L_D: nobody can tell a translated pair from a translated target."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from napari_graft.bridging.step import BridgeStep

_WIDTHS = (1, 16, 32)


class ReverseGradient(torch.autograd.Function):
    """Identity whose gradient has the other sign (Ganin and Lempitsky, ICML 2015, arXiv 1409.7495)."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return x."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        """Return the negative gradient."""
        return -gradients[0]


class Adversarial(nn.Module):
    """``L_D``: cross-entropy of a patch discriminator between T(pairs) and T(target), its gradient reversed.

    The discriminator learns to tell them apart and the translator, through the reversal, not to let it. It
    judges patches of about 11 pixels: what it can object to is colour and texture, not content.

    Parameters
    ----------
    ndim
        Spatial axes of the images.
    """

    def __init__(self, ndim: int) -> None:
        super().__init__()
        convolution = nn.Conv2d if ndim == 2 else nn.Conv3d
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(_WIDTHS):
            layers += [convolution(n_in, n_out, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, convolution(_WIDTHS[-1], 1, 1))

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        losses = []
        for images, is_target in ((step.translated_pairs, 0.0), (step.translated_target, 1.0)):
            reversed_: torch.Tensor = ReverseGradient.apply(images)  # type: ignore[no-untyped-call]
            answer = self.layers(reversed_)
            wanted = torch.full_like(answer, is_target)
            losses.append(functional.binary_cross_entropy_with_logits(answer, wanted))
        return (losses[0] + losses[1]) / 2
