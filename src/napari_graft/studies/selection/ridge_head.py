"""The head of a network adapted to tiles in closed form: thousands of choices of tiles can be tried."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_graft.nets.residual_unet import ResidualUNet, space_to_depth
from napari_graft.scorers.few_shot import HeadFeatures, head_batch

if TYPE_CHECKING:
    import torch


WANTED_LOGIT = 3.0
"""What the head is to answer where the truth is yes, and less as much where it is no."""
PRIOR = 0.5
"""So many tiles weigh as much as the head that the source came with."""


@dataclass(frozen=True, slots=True)
class HeadStatistics:
    """Sums from which the least-squares head of some tiles follows; they add up over tiles.

    The first axis of each is the answer of the truth, no and yes.

    Parameters
    ----------
    gram
        Products of the inputs, float64 (2, n_outputs, n_inputs + 1, n_inputs + 1); the last input is 1.
    residual
        Products of the inputs and of what is missing to the wanted logits, (2, n_outputs, n_inputs + 1).
    count
        Number of answers, (2, n_outputs).
    """

    gram: torch.Tensor
    residual: torch.Tensor
    count: torch.Tensor


def head_statistics(network: ResidualUNet, features: HeadFeatures) -> HeadStatistics:
    """Return the statistics of one tile for the head of a network, at the weights that it has."""
    import torch

    activation, targets = head_batch(network, features, "both")
    fold = network.spec.strides[0]
    values, mask = (space_to_depth(one, fold)[0].flatten(1) for one in (targets.values, targets.mask))
    inputs = torch.cat([activation[0].flatten(1), torch.ones(1, mask.shape[1])])
    with torch.inference_mode():
        answered = network.head(activation)[0].flatten(1)
    missing = WANTED_LOGIT * (2 * values - 1) - answered
    classes = (mask * (1 - values), mask * values)
    return HeadStatistics(
        torch.stack([torch.stack([(inputs * row) @ inputs.T for row in one]) for one in classes]).double(),
        torch.stack([(missing * one) @ inputs.T for one in classes]).double(),
        torch.stack([one.sum(1) for one in classes]).double(),
    )


def adapted_head(network: ResidualUNet, tiles: Sequence[HeadStatistics]) -> ResidualUNet:
    """Return a copy of a network whose head is the ridge regression on some tiles.

    For each output it minimises ``Σ w (φᵀ(θ₀ + Δ) − t)² / Σ w + λ |Δ|²``: φ are the features before the head,
    θ₀ the weights of the source, t the wanted logits. The weights w make the rarer of the two answers count
    more, by the root of its rarity, as borders are few; λ is the mean square of a feature, times `PRIOR`
    over the number of tiles.
    """
    import torch

    gram, residual, count = (
        torch.stack([getattr(one, name) for one in tiles]).sum(0) for name in ("gram", "residual", "count")
    )
    weight = count.clamp(min=1) ** -0.5
    total = (weight * count).sum(0).clamp(min=1)
    mean_gram = (weight[..., None, None] * gram).sum(0) / total[:, None, None]
    mean_residual = (weight[..., None] * residual).sum(0) / total[:, None]
    ridge = PRIOR / len(tiles) * mean_gram.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-9)
    mean_gram += ridge[:, None, None] * torch.eye(mean_gram.shape[1], dtype=torch.float64)
    step = torch.linalg.solve(mean_gram, mean_residual[..., None])[..., 0].float()
    return _with_step(network, step)


def _with_step(network: ResidualUNet, step: torch.Tensor) -> ResidualUNet:
    adapted = copy.copy(network)
    head = copy.deepcopy(network.head)
    adapted._modules = {**network._modules, "head": head}
    weight, bias = head.parameters()
    weight.data += step[:, :-1].reshape(weight.shape)
    bias.data += step[:, -1]
    return adapted
