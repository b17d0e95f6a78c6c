"""Learning what to take of each network, on annotated tiles."""

from __future__ import annotations

from napari_graft.merging.method import Lesson, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.nets.build import load_weights
from napari_graft.training.trainer import Trainer


def learn(mixed: MixedUNet, lesson: Lesson) -> Merged:
    """Train a mixed network, and return the best of it on the held-out part.

    The plain average, from which the learning starts, is among what is looked at.
    """
    trainer = Trainer(lesson.config, lesson.device, lesson.checkpoint)
    training = trainer.fit(mixed, lesson.examples, report=lesson.report, cancel=lesson.cancel)
    load_weights(mixed, training.weights)
    return Merged(mixed.fold(), mixed.shares(), training)
