"""Masked reconstruction: half of the image is hidden, and a throw-away decoder fills it in."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from napari_graft.nets.residual_unet import ResidualUNet, depth_to_space
from napari_graft.pretraining.objective import SelfSupervision, convolution, encode
from napari_graft.training.unlabelled import PatchView

BLOCK = {2: (16, 16), 3: (4, 16, 16)}
"""Shape of what is hidden at once, in pixels of the model's grid."""
SHARE = 0.5
_WIDTH = 32
_LEAST_SPREAD = 0.05
"""Below this deviation a block is flat: its noise is not blown up."""


class MaskedReconstruction(SelfSupervision):
    r"""Reconstruction of hidden blocks from the rest of the patch.

    .. math:: L = \frac{1}{|M|} \sum_{i \in M} \left| \hat x_i - \frac{x_i - \mu_b}{\sigma_b} \right|

    over the hidden pixels M, with mean and deviation of the block b that pixel i lies in: masked
    autoencoders (He et al., CVPR 2022, arXiv 2111.06377), with a convolutional encoder that sees the hidden
    blocks as grey (SparK: Tian et al., ICLR 2023, arXiv 2301.03580, leaves them out).

    Parameters
    ----------
    network
        Its encoder is trained.
    """

    def __init__(self, network: ResidualUNet) -> None:
        super().__init__()
        spec = network.spec
        make = convolution(spec.ndim)
        self._fold = spec.strides[0]
        self._block = BLOCK[spec.ndim]
        self.levels = nn.ModuleList(make(width, _WIDTH, 1) for width in spec.widths)
        self.last = make(_WIDTH, prod(self._fold), 3, padding=1)

    def loss(
        self, network: ResidualUNet, views: Sequence[PatchView], rng: np.random.Generator
    ) -> torch.Tensor:
        """Return the mean absolute error on the hidden pixels."""
        image = views[0].image
        hidden = self._hide(image, rng)
        found = self._decode(encode(network, torch.where(hidden, 0.0, image)))
        error = (found - self._normalise(image)).abs() * hidden
        return error.sum() / hidden.sum().clamp(min=1)

    def _hide(self, image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Return which pixels are hidden, half of the blocks of each patch, shape of the image."""
        shape = image.shape[2:]
        n_blocks = [-(-n // b) for n, b in zip(shape, self._block, strict=True)]
        hidden = np.zeros((len(image), prod(n_blocks)), bool)
        for patch in hidden:
            patch[rng.permutation(len(patch))[: max(1, round(SHARE * len(patch)))]] = True
        coarse = torch.from_numpy(hidden.reshape(len(image), 1, *n_blocks)).to(image.device)
        return self._spread(coarse, shape)

    def _spread(self, coarse: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
        """Give each pixel the value of its block."""
        for axis, length in enumerate(self._block, 2):
            coarse = coarse.repeat_interleave(length, axis)
        return coarse[(slice(None), slice(None), *map(slice, shape))]

    def _normalise(self, image: torch.Tensor) -> torch.Tensor:
        pool = functional.avg_pool2d if len(self._block) == 2 else functional.avg_pool3d
        known = {"ceil_mode": True, "count_include_pad": False}
        mean = pool(image, self._block, self._block, **known)
        spread = (pool(image**2, self._block, self._block, **known) - mean**2).clamp(min=0).sqrt()
        shape = image.shape[2:]
        return (image - self._spread(mean, shape)) / self._spread(spread, shape).clamp(min=_LEAST_SPREAD)

    def _decode(self, activations: Sequence[torch.Tensor]) -> torch.Tensor:
        size = activations[0].shape[2:]
        levels = zip(self.levels, activations, strict=True)
        found = [functional.interpolate(level(one), size=size, mode="nearest") for level, one in levels]
        return depth_to_space(self.last(functional.relu(torch.stack(found).sum(0))), self._fold)
