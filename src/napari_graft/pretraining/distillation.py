"""Distillation: the network is held to what the untouched source says of the user's images."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch.nn import functional

from napari_graft.nets.device import mixed_precision
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.replay import ReplayContext, ReplayStream
from napari_graft.training.patches import Augmentation
from napari_graft.training.unlabelled import UnlabelledImages

WEAK = Augmentation(scale=0.1, shear=0.0, elastic=0.0, contrast=0.1, brightness=0.1, gamma=0.1, noise=0.05)


class Distillation(ReplayStream):
    r"""Cross-entropy with the soft answers of the frozen source.

    .. math:: L = -\operatorname{mean} \left[ p \log \hat p + (1 - p) \log (1 - \hat p) \right]

    over the foreground and all affinities of weakly augmented patches, with p of the source (knowledge
    distillation: Hinton et al. 2015, arXiv 1503.02531; learning without forgetting: Li and Hoiem, ECCV 2016).
    The least that it can be is the entropy of the source's answers.
    """

    def __init__(self, context: ReplayContext) -> None:
        self._source = copy.deepcopy(context.source).eval().requires_grad_(False)
        self._images = UnlabelledImages(context.images, context.patch, WEAK)

    def loss(self, network: ResidualUNet, batch_size: int, rng: np.random.Generator) -> torch.Tensor:
        """Return the cross-entropy on weakly augmented patches of the unlabelled images."""
        device = next(network.parameters()).device
        self._source.to(device)
        image = self._images.draw(batch_size, 1, rng, device)[0].image
        with mixed_precision(device):
            with torch.no_grad():
                wanted = torch.sigmoid(self._source(image).float())
            logits = network(image)
        return functional.binary_cross_entropy_with_logits(logits.float(), wanted)
