"""Kernel by kernel: how much of each network a filter is made of is learned on the annotated tiles."""

from __future__ import annotations

from collections.abc import Sequence

from napari_graft.merging.method import Lesson, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.build import load_weights
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.trainer import Trainer


class Kernel:
    """Learn one share a filter together with the head, all else frozen (MedMerge, arXiv 2403.11646).

    The paper does not say how long: a sixth of the budget was as good as a third on tiles outside the
    benchmark, and leaves more for the training of the merged network.
    """

    share_of_budget = 1 / 6

    def merge(self, members: Sequence[ResidualUNet], lesson: Lesson) -> Merged:
        """Return the network with the learned shares; the best on the held-out part. See `MergeMethod`.

        The plain average, from which the learning starts, is among what is looked at.
        """
        mixed = MixedUNet(members)
        trainer = Trainer(lesson.config, lesson.device, lesson.checkpoint)
        training = trainer.fit(mixed, lesson.examples, report=lesson.report, cancel=lesson.cancel)
        load_weights(mixed, training.weights)
        return Merged(mixed.fold(), mixed.shares(), training)
