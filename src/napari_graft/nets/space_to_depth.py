"""Exchange resolution for channels and back, in two and three dimensions alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch


def space_to_depth(x: torch.Tensor, factors: Sequence[int]) -> torch.Tensor:
    """Move each block of `factors` pixels into the channels, without loss.

    Parameters
    ----------
    x
        Shape (N, C, *spatial); every spatial length is a multiple of its factor.
    factors
        Block length along each spatial axis.

    Returns
    -------
    torch.Tensor
        Shape (N, C · prod(factors), *spatial / factors); equals `torch.nn.functional.pixel_unshuffle` in 2-D.
    """
    n, channels, *shape = x.shape
    split = [n, channels]
    for length, factor in zip(shape, factors, strict=True):
        split += [length // factor, factor]
    blocks = [2 + 2 * i for i in range(len(shape))]
    inside = [3 + 2 * i for i in range(len(shape))]
    coarse = [length // factor for length, factor in zip(shape, factors, strict=True)]
    return x.reshape(split).permute(0, 1, *inside, *blocks).reshape(n, channels * prod(factors), *coarse)


def depth_to_space(x: torch.Tensor, factors: Sequence[int]) -> torch.Tensor:
    """Undo `space_to_depth`: shape (N, C · prod(factors), *s) becomes (N, C, *s · factors)."""
    n, channels, *shape = x.shape
    ndim = len(shape)
    split = x.reshape(n, channels // prod(factors), *factors, *shape)
    order = [axis for i in range(ndim) for axis in (2 + ndim + i, 2 + i)]
    fine = [length * factor for length, factor in zip(shape, factors, strict=True)]
    return split.permute(0, 1, *order).reshape(n, channels // prod(factors), *fine)
