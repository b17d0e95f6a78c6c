"""The plain average of the weights, to compare with."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.method import Lesson, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.residual_unet import ResidualUNet


class Average:
    """Give every network the same share in every filter (a uniform soup, Wortsman et al. 2022)."""

    share_of_budget = 0.0

    def merge(self, members: Sequence[ResidualUNet], lesson: Lesson) -> Merged:
        """Return the average. See `MergeMethod`."""
        mixed = MixedUNet(members)
        return Merged(mixed.fold(), mixed.shares(), None)
