"""Dense pixel consistency: what two views see of one place is alike, and unlike that of other places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.objective import SelfSupervision, convolution, encode
from napari_graft.training.unlabelled import PatchView

TEMPERATURE = 0.3
NEAR = 0.7
"""Cells of two views are one place up to this distance, in diagonals of a cell."""
_DIMENSIONS = 64


class DensePixels(SelfSupervision):
    r"""Contrast of the cells of the coarsest grid in two views that overlap.

    .. math:: L = -\operatorname{mean}_i \log \frac{\sum_{j \in \Omega_i} \exp(z_i \cdot z'_j / T)}
                  {\sum_j \exp(z_i \cdot z'_j / T)}

    with unit vectors z of the cells, and the cells Ω_i of the other view at the place of cell i: pixel
    contrast (PixPro: Xie et al., CVPR 2021, arXiv 2011.10043), without its momentum encoder.

    Parameters
    ----------
    network
        Its encoder is trained.
    """

    n_views = 2

    def __init__(self, network: ResidualUNet) -> None:
        super().__init__()
        make, width = convolution(network.spec.ndim), network.spec.widths[-1]
        self._cell = network.spec.total_stride
        self.head = nn.Sequential(make(width, width, 1), nn.ReLU(), make(width, _DIMENSIONS, 1))

    def loss(
        self, network: ResidualUNet, views: Sequence[PatchView], rng: np.random.Generator
    ) -> torch.Tensor:
        """Return the mean over the cells that the other view sees too; 0 where there is none."""
        here, there = (self._embed(network, view.image) for view in views)
        one, other = (self._places(view.position) for view in views)
        apart = torch.cdist(one, other)
        same = apart < NEAR * len(self._cell) ** 0.5
        logits = here @ there.mT / TEMPERATURE
        found = torch.where(same, logits, -torch.inf).logsumexp(2) - logits.logsumexp(2)
        is_seen = same.any(2)
        total: torch.Tensor = torch.where(is_seen, found, 0.0).sum()
        mean: torch.Tensor = total / is_seen.sum().clamp(min=1)
        return -mean

    def _embed(self, network: ResidualUNet, image: torch.Tensor) -> torch.Tensor:
        """Return a unit vector for each cell, (N, n_cells, dimensions)."""
        answer: torch.Tensor = self.head(encode(network, image)[-1])
        return functional.normalize(answer.flatten(2).mT, dim=2)

    def _places(self, position: torch.Tensor) -> torch.Tensor:
        """Return the centre of each cell in the image, in lengths of a cell, (N, n_cells, ndim)."""
        pool = functional.avg_pool2d if len(self._cell) == 2 else functional.avg_pool3d
        centres = pool(position.movedim(-1, 1), self._cell, self._cell).flatten(2).mT
        cell = torch.tensor(self._cell, dtype=torch.float32, device=position.device)
        places: torch.Tensor = centres / cell
        return places
