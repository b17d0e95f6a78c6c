"""TGKT: after the translator a student learns from it, from the pairs, and from what it can believe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from napari_graft.bridging.halves import load_first, save_first
from napari_graft.bridging.learning import Weighing, config_for
from napari_graft.bridging.method import BridgeContext, Bridged
from napari_graft.bridging.methods.translation import Translation
from napari_graft.bridging.pseudo_labels import pseudo_examples
from napari_graft.bridging.sampling import PairSampler
from napari_graft.bridging.step import BridgeStep
from napari_graft.bridging.views import copy_of
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import Progress, report_of_first, report_of_second
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.auxiliary import TrainingStep
from napari_graft.training.trainer import Trainer

RATE = 3e-4
TGKT = {"distillation": 1.0, "features": 0.5}
"""Beside the loss of the pseudo-labels, whose weight is 1; the paper's weights are not known."""
NOTHING_STAYS = (
    "no object that the translated source finds stays the same in mirrored copies of the image, so there was "
    "nothing for a student to learn from: the translator alone is used"
)


@dataclass(frozen=True)
class Student:
    """Translator, then a student of it (TGMB and TGKT; Zhu, Chen and Wang, arXiv 2401.05014).

    The student of the paper sees the image itself. Here it begins as the source with its translator inside,
    and all of that may change: so L_KL begins at 0, and minutes suffice.

    Parameters
    ----------
    translation
        The first half.
    weighing
        What the student learns by, beside the pseudo-labels.
    share
        Part of the budget that goes to the first half.
    """

    translation: Translation = field(default_factory=Translation)
    weighing: Weighing = field(default_factory=lambda: Weighing(TGKT))
    share: float = 0.6
    needs_suitable_pairs: bool = True

    def bridge(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the student, or the translated source where nothing can be believed. See `BridgeMethod`."""
        first = self._translated(source, context)
        training = first.training
        assert training is not None
        if training.stopped_by == "cancel":
            return first
        data = context.data
        context.report(Progress(training.steps, None, "looking for objects that can be believed"))
        try:
            examples = pseudo_examples(
                first.network, data.target, data.decode, context.device, context.cancel
            )
        except Cancelled:
            return replace(first, training=replace(training, stopped_by="cancel"))
        if not examples:
            return replace(first, note=NOTHING_STAYS)
        config = config_for(source, context.config.rest(training.steps, training.seconds), RATE)
        losses = StudentLoss(source, first.network, self.weighing, replace(context, config=config))
        trainer = Trainer(config, context.device, context.states.student, auxiliary=losses)
        report = report_of_second(context.report, training.steps)
        result = trainer.fit(copy_of(first.network), examples, report=report, cancel=context.cancel)
        result = result.after(training.steps, training.seconds, training.history)
        return Bridged(build_network(first.network.spec, result.weights), result)

    def _translated(self, source: ResidualUNet, context: BridgeContext) -> Bridged:
        """Return the first half, from the disk where it was finished before."""
        path = context.states.learned
        if path is not None and path.is_file():
            try:
                spec = source.spec.model_copy(update={"translator": self.translation.shape})
                return Bridged(*load_first(path, spec))
            except InputError:  # damaged: it is learned again
                path.unlink()
        config, report = context.config.part(self.share), report_of_first(context.report, self.share)
        first = self.translation.bridge(source, replace(context, config=config, report=report))
        if path is not None and first.training is not None and first.training.stopped_by != "cancel":
            save_first(path, first.network, first.training)
        return first


class StudentLoss:
    """What a student learns by beside the labels: see `Trainer`.

    Parameters
    ----------
    source, teacher
        The source, and the same behind its translator; both stay as they are.
    weighing
        The losses.
    context
        Pairs, where they are, and how many patches of which shape to draw.
    """

    def __init__(
        self, source: ResidualUNet, teacher: ResidualUNet, weighing: Weighing, context: BridgeContext
    ) -> None:
        self._source, self._teacher = (
            copy_of(one).to(context.device).eval().requires_grad_(False) for one in (source, teacher)
        )
        self._weighing, self._data = weighing, context.data
        self._losses = weighing.losses(source.spec.ndim, context.config.seed).to(context.device)
        self._pairs = PairSampler(context.data.pairs, context.config.patch, context.device)
        self._n = context.config.batch_size

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        """Return the weighted sum of the losses for a batch of the trainer."""
        network, image = step.network, step.batch.image
        assert isinstance(network, ResidualUNet)  # the trainer knows no kinds of networks
        target, source = self._pairs.draw(self._n, step.rng)
        seen = BridgeStep(network, self._source, image, target, source, self._data.foreground, self._teacher)
        return self._weighing.total(self._losses, seen)
