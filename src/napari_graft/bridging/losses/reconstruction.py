"""L_rec: a translated image of a pair is its partner."""

from __future__ import annotations

import torch
from torch import nn

from napari_graft.bridging.step import BridgeStep


class Reconstruction(nn.Module):
    """``L_rec = |T(a) - b| + |∇T(a) - ∇b|``, the mean over the pixels of pairs (a, b).

    TGMB takes the squared error; the absolute one minds outliers and small shifts less, and the gradient
    keeps borders sharp.
    """

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        wanted, found = step.pair_source, step.translated_pairs
        loss = (found - wanted).abs().mean()
        for axis in (-2, -1):
            loss = loss + (found.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
        return loss


class SquaredReconstruction(nn.Module):
    """``L_rec = (T(a) - b)²``, as TGMB has it: the translator that explains most of the variance."""

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        return (step.translated_pairs - step.pair_source).square().mean()
