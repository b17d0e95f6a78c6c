"""Kernel by kernel: how much of each network a filter is made of is learned on the annotated tiles."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.learning import learn
from napari_graft.merging.method import Lesson, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.residual_unet import ResidualUNet


class Kernel:
    """Learn one share a filter together with the head, all else frozen (MedMerge, arXiv 2403.11646).

    The paper does not say how long: a sixth of the budget was as good as a third on tiles outside the
    benchmark, and leaves more for the training of the merged network.
    """

    share_of_budget = 1 / 6

    def merge(self, members: Sequence[ResidualUNet], lesson: Lesson) -> Merged:
        """Return the network with the learned shares. See `MergeMethod`."""
        return learn(MixedUNet(members), lesson)
