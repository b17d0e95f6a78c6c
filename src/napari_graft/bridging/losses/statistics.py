"""Statistics of features on the target are those of the source on its own modality, after SOCKET."""

from __future__ import annotations

import torch
from torch import nn

from napari_graft.bridging.step import BridgeStep

_FIRST = 10.0


class Statistics(nn.Module):
    """``Σ_l c_l (‖μ_l - μ'_l‖ + ‖σ²_l - σ'²_l‖)``, c = 10 for the first level and 1 for the others.

    The idea is SOCKET's (Ahmed et al., ECCV 2022, arXiv 2209.04027), which compares with the running
    statistics of batch norm. These networks keep none, so that mean and variance of each channel on the
    pairs in the source's modality stand for them. Norms are divided by the root of the number of channels.
    """

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        total = step.target.new_zeros(())
        for level, (mine, its) in enumerate(zip(step.activations, step.source_features, strict=True)):
            weight = _FIRST if level == 0 else 1.0
            axes = (0, *range(2, mine.ndim))
            root = mine.shape[1] ** 0.5
            difference = (mine.mean(axes) - its.mean(axes)).norm() + (mine.var(axes) - its.var(axes)).norm()
            total = total + weight * difference / root
        return total
