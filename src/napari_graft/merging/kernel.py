"""Kernel by kernel: how much of each network a filter is made of is learned on the annotated tiles."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.build import load_weights
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.auxiliary import Auxiliary
from napari_graft.training.trainer import Trainer


class Kernel:
    """Kernel-wise merge: one learned share a filter, and the head (MedMerge, arXiv 2403.11646).

    The paper does not say how long: a sixth of the budget was as good as a third on tiles outside the
    benchmark, and leaves more for the training of the merged network.
    """

    share_of_budget = 1 / 6
    rate_after = None

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the network with the learned shares; the best on the held-out part. See `MergeMethod`.

        The plain average, from which the learning starts, is among what is looked at.
        """
        return learn_shares(MixedUNet(members), context)


def learn_shares(mixed: MixedUNet, context: MergeContext, auxiliary: Auxiliary | None = None) -> Merged:
    """Train the shares and the head of a mixed network within the budget, and fold it into a plain one.

    Parameters
    ----------
    mixed
        The network; it is changed.
    context
        What is learned from.
    auxiliary
        Added to the loss of every step.

    Raises
    ------
    InputError
        If no example holds a labelled pixel.
    """
    trainer = Trainer(context.config, context.device, context.checkpoint, auxiliary)
    training = trainer.fit(mixed, context.examples, report=context.report, cancel=context.cancel)
    load_weights(mixed, training.weights)
    return Merged(mixed.fold(), mixed.shares(), training)
