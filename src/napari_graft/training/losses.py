"""The masked loss: unlabelled pixels weigh nothing."""

from __future__ import annotations

import torch
from torch.nn import functional

from napari_graft.training.targets import Targets

_SMOOTHING = 1.0


def masked_loss(logits: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Add the Dice loss and the cross-entropy over the known outputs.

    Each channel counts alike, however many of its outputs are known; a channel without any counts nothing.
    The loss of a partly labelled patch therefore equals the loss of its labelled part alone.

    Parameters
    ----------
    logits
        Shape (N, K, *spatial).
    targets
        Values and mask of the same shape.

    Returns
    -------
    torch.Tensor
        Scalar, 0 where nothing is known.
    """
    axes = (0, *range(2, logits.ndim))
    n_known = targets.mask.sum(axes)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets.values, reduction="none")
    entropy = (entropy * targets.mask).sum(axes) / n_known.clamp(min=1)
    probability = torch.sigmoid(logits)
    dice = _dice_loss(probability, targets.values, targets.mask, axes)
    # Of "same object" and "border" either can be the rare answer: the Dice loss of both keeps it balanced.
    dice = (dice + _dice_loss(1 - probability, 1 - targets.values, targets.mask, axes)) / 2
    is_used = (n_known > 0).float()
    return ((entropy + dice) * is_used).sum() / is_used.sum().clamp(min=1)


def _dice_loss(
    probability: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor, axes: tuple[int, ...]
) -> torch.Tensor:
    shared = (probability * truth * mask).sum(axes)
    total = ((probability + truth) * mask).sum(axes)
    return 1 - (2 * shared + _SMOOTHING) / (total + _SMOOTHING)
