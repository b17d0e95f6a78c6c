"""MedMerge with time to find its shares: half of the budget, shares that move, a gentle training after."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.kernel import learn_shares
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet, gain_for
from napari_graft.nets.residual_unet import ResidualUNet

GENTLE_RATE = 3e-4
"""Of the training that follows: the head fits already, and a large rate would undo what was found."""


class Probing:
    """Kernel-wise merge whose shares are given the steps and the freedom to leave the average.

    As `Kernel` (MedMerge, arXiv 2403.11646), but for the half of the budget, with a gain that follows the
    number of steps: whether there are 50 or 500, a share can go all the way to one member. What comes out is
    then trained at a small rate (linear probing, then fine-tuning: Kumar et al., ICLR 2022, arXiv
    2202.10054).
    """

    share_of_budget = 1 / 2
    rate_after = GENTLE_RATE

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the network with the learned shares; the best on the held-out part. See `MergeMethod`."""
        gain = gain_for(context.config.learning_rate, context.n_steps)
        return learn_shares(MixedUNet(members, gain=gain), context)
