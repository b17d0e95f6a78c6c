"""L_KL: the student says what its teacher is sure of."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from napari_graft.bridging.step import BridgeStep

SURE = 0.4
"""A probability is sure that lies further than this from one half."""


class DistillationLoss(nn.Module):
    """``L_KL``: soft cross-entropy between student and teacher where ``|p - 1/2| > 0.4`` for the teacher's p.

    The teacher of TGKT is the source behind its translator. It is not believed where it wavers.
    """

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step, 0 where the teacher is sure of nothing."""
        wanted = torch.sigmoid(step.teacher_logits)
        is_sure = ((wanted - 0.5).abs() > SURE).float()
        entropy = functional.binary_cross_entropy_with_logits(step.logits, wanted, reduction="none")
        return (entropy * is_sure).sum() / is_sure.sum().clamp(min=1)
