"""L_IM: the source is sure of what it sees in a translated target, and finds about as much as it should."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from napari_graft.bridging.step import BridgeStep


class Information(nn.Module):
    """``L_IM = mean H(p) + KL(f ‖ mean p)`` of foreground and short affinities on the target.

    The information term of TGMB, and of SHOT before it, asks for sure answers per pixel and for classes of
    equal size over all: cells do not fill half of an image. Here the mean foreground is asked to be the share
    f that objects usually fill; the affinities have the first term alone.
    """

    def forward(self, step: BridgeStep) -> torch.Tensor:
        """Return the loss of a step."""
        logits = step.logits[:, : 1 + step.network.spec.n_attractive]
        probability = torch.sigmoid(logits)
        entropy = functional.binary_cross_entropy_with_logits(logits, probability)
        mean = probability[:, 0].mean().clamp(1e-4, 1 - 1e-4)
        wanted = mean.new_tensor(min(max(step.foreground, 1e-3), 1 - 1e-3))
        divergence = wanted * (wanted / mean).log() + (1 - wanted) * ((1 - wanted) / (1 - mean)).log()
        return entropy + divergence
