"""L_f: the student sees in one image of a pair what the source sees in the other."""

from __future__ import annotations

import torch
from torch import nn

from napari_graft.bridging.step import BridgeStep

N_LEVELS = 2
_LEAST_VARIANCE = 1e-6


class Features(nn.Module):
    """``L_f = Σ_l ‖F_l(a) - F'_l(b)‖² / var F'_l(b)`` over the two deepest levels, for pairs (a, b).

    F is the network that learns, on the modality of the image; F' the source, on its own. The paper does not
    say which levels: the deepest bear a small shift between the images of a pair best. Each is measured in
    units of what it varies by, so that no level outweighs the other.
    """

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        levels = zip(step.pair_features[-N_LEVELS:], step.source_features[-N_LEVELS:], strict=True)
        losses = [(mine - its).square().mean() / its.var().clamp(min=_LEAST_VARIANCE) for mine, its in levels]
        return torch.stack(losses).mean()
