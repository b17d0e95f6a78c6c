"""Shares that are learned on the whole image as well: what is found should stay when grey values change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from napari_graft.core.labels import FIRST_OBJECT, UNLABELLED
from napari_graft.merging.kernel import learn_shares
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet, gain_for
from napari_graft.merging.probing import GENTLE_RATE
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.auxiliary import Auxiliary, MeanTeacher, TrainingStep, sum_of
from napari_graft.training.examples import Example
from napari_graft.training.patches import Augmentation
from napari_graft.training.unlabelled import Images, UnlabelledImages

AGREEMENT, PRIOR = 1.0, 1.0
"""Weights of the two terms beside the loss of the labels."""


class Consistent:
    """`Probing` with two terms on images without labels: agreement, and the amount of foreground.

    AdaMerging (Yang et al., ICLR 2024, arXiv 2310.02575) learns shares where there are no labels by making
    answers sure, which a network that finds nothing is. Here they are to agree between an image and the same
    with changed grey values (`MeanTeacher`), and the mean foreground is held to that of the painted tiles.
    """

    share_of_budget = 1 / 2
    rate_after = GENTLE_RATE

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the network with the learned shares; the best on the held-out part. See `MergeMethod`."""
        gain = gain_for(context.config.learning_rate, context.n_steps)
        images, patch = context.images(), context.config.patch
        terms: list[Auxiliary] = [
            MeanTeacher(images, patch, AGREEMENT),
            ForegroundPrior(images, patch, painted_foreground(context.examples)),
        ]
        return learn_shares(MixedUNet(members, gain=gain), context, sum_of(terms))


class ForegroundPrior:
    """Squared difference of the mean foreground on images without labels from a wanted one.

    Parameters
    ----------
    images
        Images on the grid of the network.
    patch
        Shape of a patch.
    wanted
        Share of the pixels, 0 to 1.
    """

    def __init__(self, images: Images, patch: tuple[int, ...], wanted: float) -> None:
        self._images = UnlabelledImages(images, patch, Augmentation())
        self._wanted = wanted

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        """Return the loss on as many patches as the batch has."""
        image = step.batch.image
        drawn = self._images.draw(len(image), 1, step.rng, image.device)[0].image
        found = torch.sigmoid(step.network(drawn)[:, 0].float()).mean()
        return PRIOR * (found - self._wanted).square()


def painted_foreground(examples: Sequence[Example]) -> float:
    """Return the share of the pixels to learn from that belong to an object; they hold at least one pixel."""
    n_objects = sum(int(np.count_nonzero(one.train >= FIRST_OBJECT)) for one in examples)
    n_labelled = sum(int(np.count_nonzero(one.train != UNLABELLED)) for one in examples)
    return n_objects / max(n_labelled, 1)
