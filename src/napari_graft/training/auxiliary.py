"""Losses beside that of the labels: distance to the source's weights, and a teacher on unlabelled images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_graft.core.errors import InputError
from napari_graft.nets.device import mixed_precision
from napari_graft.nets.network import Network
from napari_graft.training.patches import Augmentation, Batch, change_intensity
from napari_graft.training.unlabelled import Images, UnlabelledImages
from napari_graft.training.weight_averaging import Weights


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """One step of a training, as an auxiliary loss sees it.

    Parameters
    ----------
    network, average
        What is trained, and its moving average.
    batch
        Labelled patches of the step.
    used
        Share of the budget that is used, 0 to 1.
    rng
        Generator of the step.
    """

    network: Network
    average: Network
    batch: Batch
    used: float
    rng: np.random.Generator


Auxiliary = Callable[[TrainingStep], torch.Tensor]
"""Returns a further loss for a step; it keeps no state of its own, so that a training can be resumed."""


def sum_of(losses: Sequence[Auxiliary]) -> Auxiliary | None:
    """Return the sum of losses as one, None for none."""
    if not losses:
        return None

    def total(step: TrainingStep) -> torch.Tensor:
        return torch.stack([loss(step) for loss in losses]).sum()

    return total


class SourceDistance:
    r"""Pull back to the weights of the start, :math:`\frac{\alpha}{2} \lVert w - w_0 \rVert^2`.

    L2-SP: Li, Grandvalet and Davoine, *Explicit inductive bias for transfer learning with convolutional
    networks*, ICML 2018, arXiv 1802.01483, equation 2.

    Parameters
    ----------
    start
        Weights of the start by name.
    strength
        α.
    """

    def __init__(self, start: Weights, strength: float) -> None:
        self._start = {name: torch.from_numpy(np.array(value)) for name, value in start.items()}
        self._strength = strength

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        """Return the loss."""
        parts = [
            (weight - self._start[name].to(weight.device)).square().sum()
            for name, weight in step.network.named_parameters()
        ]
        return self._strength / 2 * torch.stack(parts).sum()


_PLAIN = Augmentation(contrast=0.0, brightness=0.0, gamma=0.0, noise=0.0, blur=0.0)
_STRONG = Augmentation()
_RAMP = 0.4
"""Share of the training during which the weight of the teacher grows: at first it is no better."""


class MeanTeacher:
    """Agreement with the averaged network on unlabelled images whose grey values are changed.

    Mean squared difference of the probabilities, its weight growing as exp(-5 (1 - t)²) over the first part
    of the training (mean teacher: Tarvainen and Valpola, NeurIPS 2017, arXiv 1703.01780, section 3).

    Parameters
    ----------
    images
        Unlabelled images on the grid of the network.
    patch
        Shape of a patch.
    weight
        Weight at its largest.

    Raises
    ------
    InputError
        If there is no image.
    """

    def __init__(self, images: Images, patch: tuple[int, ...], weight: float) -> None:
        if not images:
            raise InputError("a teacher needs images without labels: give at least one")
        self._images = UnlabelledImages(images, patch, _PLAIN)
        self._weight = weight

    def __call__(self, step: TrainingStep) -> torch.Tensor:
        """Return the loss on as many patches as the batch has."""
        device = step.batch.image.device
        plain = self._images.draw(len(step.batch.image), 1, step.rng, device)[0].image
        changed = torch.stack([change_intensity(one[0], _STRONG, step.rng)[None] for one in plain])
        with mixed_precision(device):
            with torch.no_grad():
                wanted = torch.sigmoid(step.average(plain).float())
            found = torch.sigmoid(step.network(changed).float())
        return self._weight * ramp(step.used) * (found - wanted).square().mean()


def ramp(used: float) -> float:
    """Return the part of its weight that a teacher has after a share of the training.

    >>> round(ramp(0.0), 3), ramp(0.4), ramp(1.0)
    (0.007, 1.0, 1.0)
    """
    return math.exp(-5 * (1 - min(1.0, used / _RAMP)) ** 2)
