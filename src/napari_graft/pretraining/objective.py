"""The interface of a self-supervised objective, which trains an encoder on images without labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from napari_graft.nets.device import mixed_precision
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.unlabelled import PatchView


class SelfSupervision(nn.Module, ABC):
    """Self-supervised objective, with the parts that are trained beside the encoder and thrown away.

    Its parameters and buffers are kept in checkpoints: whatever has to survive a stop is one of them.
    """

    n_views: ClassVar[int] = 1
    """How many views of one place it compares."""

    @abstractmethod
    def loss(
        self, network: ResidualUNet, views: Sequence[PatchView], rng: np.random.Generator
    ) -> torch.Tensor:
        """Return the loss, a scalar to minimise; only the encoder of `network` is to receive gradients."""

    def after_step(self, network: ResidualUNet) -> None:
        """Do what is to be done once the encoder has changed; nothing by default."""


Objective = Callable[[ResidualUNet], SelfSupervision]
"""Makes an objective for a network. What it draws at random comes from torch's generator, which is seeded."""


def encode(network: ResidualUNet, image: torch.Tensor) -> list[torch.Tensor]:
    """Return the activations of every level as float32, computed in the number type that is fast."""
    with mixed_precision(image.device):
        activations = network.encode(image)
    return [one.float() for one in activations]


def convolution(ndim: int) -> Callable[..., nn.Module]:
    """Return the class of convolutions over so many axes."""
    return nn.Conv2d if ndim == 2 else nn.Conv3d
