"""Small networks and images for the tests of the pretraining."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.sources.network_spec import ModelSpec

SPEC = ModelSpec(widths=(8, 16))
SPEC_3D = ModelSpec(ndim=3, widths=(4, 8))
CPU = torch.device("cpu")


def network_of(spec: ModelSpec = SPEC) -> ResidualUNet:
    return build_network(spec, seed=1)


def images_of(ndim: int = 2, n: int = 2) -> list[NDArray[np.float32]]:
    """Return images with waves in them, so that what is hidden can be told from the rest."""
    shape = (72, 80) if ndim == 2 else (12, 40, 40)
    found = []
    for seed in range(n):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[: shape[-2], : shape[-1]]
        wave = np.sin(x / 3 + seed) * np.cos(y / 5)
        found.append((wave + rng.normal(0, 0.1, shape)).astype(np.float32))
    return found
