"""Slice by slice: each filter may look at one channel as one source does, and at the next as another."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from napari_graft.merging.kernel import learn_shares
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet, gain_for
from napari_graft.merging.probing import GENTLE_RATE
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.auxiliary import TrainingStep

FEWEST_TILES = 20
"""With fewer, there are more shares than the labels can tell, and each filter has one."""
PULL = 0.1


class Slices:
    """Merge with one learned share for each slice of each filter, drawn towards the average.

    The paper (MedMerge, arXiv 2403.11646) does not say whether its kernels are filters or their slices. There
    are as many shares as pairs of channels, so `PULL` times their squared distance from the average is added
    to the loss. With few tiles it is the same as `Probing`.
    """

    share_of_budget = 1 / 2
    rate_after = GENTLE_RATE

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the network with the learned shares; the best on the held-out part. See `MergeMethod`."""
        gain = gain_for(context.config.learning_rate, context.n_steps)
        is_fine = len(context.examples) >= FEWEST_TILES
        mixed = MixedUNet(members, gain=gain, is_per_slice=is_fine)
        return learn_shares(mixed, context, pull_to_average if is_fine else None)


def pull_to_average(step: TrainingStep) -> torch.Tensor:
    """Return `PULL` times the squared distance of the shares from the average."""
    assert isinstance(step.network, MixedUNet)
    return PULL * step.network.spread()
