"""Normalisation over the channels of a pixel: what it answers depends on no other pixel."""

from __future__ import annotations

import numpy as np
import torch

from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ChannelNorm
from napari_graft.sources.network_spec import ModelSpec


def test_each_pixel_gets_mean_0_and_variance_1_over_its_channels() -> None:
    x = torch.randn(2, 16, 5, 7) * 3 + 2
    y = ChannelNorm(16)(x)
    assert y.shape == x.shape
    torch.testing.assert_close(y.mean(1), torch.zeros(2, 5, 7), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(1, unbiased=False), torch.ones(2, 5, 7), atol=1e-3, rtol=0)


def test_volumes_are_normalised_alike() -> None:
    x = torch.randn(1, 8, 3, 4, 5)
    torch.testing.assert_close(ChannelNorm(8)(x)[:, :, 1], ChannelNorm(8)(x[:, :, 1]))


@torch.inference_mode()
def test_the_answer_in_the_middle_does_not_depend_on_the_size_of_the_window() -> None:
    image = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 1, 768, 768)).astype(np.float32))
    # what lies outside the small window is bright: statistics of a window would move
    image[..., :160] += 2
    middle, window = slice(368, 400), slice(192, 576)
    differences = {}
    for norm in ("channel", "group"):
        network = build_network(ModelSpec(norm=norm, widths=(16, 16, 16, 16))).eval()
        whole = network(image)[..., middle, middle]
        part = network(image[..., window, window])[..., 176:208, 176:208]
        differences[norm] = float((whole - part).abs().max())
    assert differences["channel"] < 1e-4
    assert differences["group"] > 1e-3
