"""Distilled ensemble: the sources answer together, the nearer ones count more, and one network learns it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import Progress
from napari_graft.merging.method import MergeContext, Merged
from napari_graft.merging.mixed_unet import MixedUNet
from napari_graft.merging.probing import GENTLE_RATE
from napari_graft.nets.build import build_network
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.training.auxiliary import TrainingStep
from napari_graft.training.patches import Augmentation
from napari_graft.training.trainer import Trainer
from napari_graft.training.unlabelled import Images, UnlabelledImages

TEMPERATURE = 0.05
"""λ of the weights: MMD² of the nearest and the next source differ by .01 to .1 in the common encoder."""
WEIGHT = 1.0
"""Of the loss on images without labels, beside that of the painted tiles."""
_WEAK = Augmentation(scale=0.1, shear=0.0, elastic=0.0, contrast=0.1, brightness=0.1, gamma=0.1, noise=0.05)


class DistilledEnsemble:
    r"""One network that learns what several say together, on the image and on the painted tiles.

    The ensemble says :math:`\sum_k w_k \sigma(f_k(x))` with :math:`w = \operatorname{softmax}(-\mathrm{MMD}^2
    / \lambda)`, the weights that minimise :math:`\sum_k w_k \mathrm{MMD}^2_k + \lambda \sum_k w_k \log w_k`.
    Weighing several sources is left as future work by NeuroADDA (Sawmya et al., arXiv 2503.06196); the
    objective is that of its successor MACS. The student begins as the heaviest member, and learns from soft
    answers (Hinton et al. 2015, arXiv 1503.02531) while the labels of the tiles correct it.
    """

    share_of_budget = 1 / 2
    rate_after = GENTLE_RATE

    def merge(self, members: Sequence[ResidualUNet], context: MergeContext) -> Merged:
        """Return the student. See `MergeMethod`."""
        context.report(Progress(0, None, "comparing the image with those of the sources"))
        try:
            weights = self._weights(len(members), context)
            images = context.images()
        except Cancelled:  # the training below ends at once as well
            weights, images = np.full(len(members), 1 / len(members)), [context.examples[0].image]
        first = members[int(weights.argmax())]
        student = build_network(first.spec, first.stored_weights())
        lesson = EnsembleLoss(members, weights, images, context)
        trainer = Trainer(context.config, context.device, context.checkpoint, lesson)
        training = trainer.fit(student, context.examples, report=context.report, cancel=context.cancel)
        shares = MixedUNet(members).shares()
        of_all = {
            name: np.repeat(weights[:, None], one.shape[1], axis=1).astype(np.float32)
            for name, one in shares.items()
        }
        return Merged(build_network(first.spec, training.weights), of_all, training)

    def _weights(self, n_members: int, context: MergeContext) -> NDArray[np.float64]:
        known = context.target.distances() if context.target is not None else ()
        return ensemble_weights(known or [None] * n_members)


def ensemble_weights(
    distances: Sequence[float | None], temperature: float = TEMPERATURE
) -> NDArray[np.float64]:
    """Return softmax(-MMD² / λ), the weight of each member.

    Parameters
    ----------
    distances
        MMD² of the target from each member's training images; one that is not known counts as the largest.
    temperature
        λ, in units of MMD².

    Returns
    -------
    (K,) float64
        They sum to 1; all the same where nothing is known.

    Examples
    --------
    >>> ensemble_weights([0.1, 0.1, None]).round(3).tolist()
    [0.333, 0.333, 0.333]
    >>> ensemble_weights([0.0, 0.05]).round(3).tolist()
    [0.731, 0.269]
    """
    largest = max((one for one in distances if one is not None), default=0.0)
    values = np.array([largest if one is None else one for one in distances], np.float64)
    raised = np.exp(-(values - values.min()) / temperature)
    return np.asarray(raised / raised.sum())


class EnsembleLoss:
    """Cross-entropy with the weighted mean of what frozen networks say of images without labels.

    Parameters
    ----------
    members, weights
        The networks, which stay as they are, and the weight of each.
    images
        Images without labels, on the grid of the first.
    context
        Shape of a patch, and where the networks run.
    """

    def __init__(
        self,
        members: Sequence[ResidualUNet],
        weights: NDArray[np.float64],
        images: Images,
        context: MergeContext,
    ) -> None:
        frozen = [build_network(one.spec, one.stored_weights()) for one in members]
        self._members = [one.to(context.device).eval().requires_grad_(False) for one in frozen]
        self._weights = [float(one) for one in weights]
        self._images = UnlabelledImages(images, context.config.patch, _WEAK)

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        """Return the loss on as many patches as the batch has."""
        device = step.batch.image.device
        image = self._images.draw(len(step.batch.image), 1, step.rng, device)[0].image
        with mixed_precision(device):
            with torch.no_grad():
                wanted = self._answer(image)
            logits = step.network(image)
        return WEIGHT * functional.binary_cross_entropy_with_logits(logits.float(), wanted)

    def _answer(self, image: torch.Tensor) -> torch.Tensor:
        answers = [
            weight * torch.sigmoid(member.to(image.device)(image).float())
            for member, weight in zip(self._members, self._weights, strict=True)
            if weight > _NEGLIGIBLE
        ]
        return torch.stack(answers).sum(0) / sum(one for one in self._weights if one > _NEGLIGIBLE)


_NEGLIGIBLE = 0.01
"""A member of less weight is not asked: it would cost as much time as the others."""
