"""The plain average of the weights, to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.residual_unet import ResidualUNet


class Average:
    """Average of all filters, the same share for every network (a uniform soup, Wortsman et al. 2022)."""

    share_of_budget = 0.0
    rate_after = None

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the average. See `MergeMethod`."""
        mixed = MixedUNet(members)
        return Merged(mixed.fold(), mixed.shares(), None)
