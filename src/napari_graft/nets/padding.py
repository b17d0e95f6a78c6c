"""Make an image as long as a network's down-sampling asks for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional


def pad_to_stride(image: torch.Tensor, stride: Sequence[int]) -> torch.Tensor:
    """Extend (N, C, *spatial) at the far ends to multiples of `stride`, by repeating the border."""
    missing = [-n % s for n, s in zip(image.shape[2:], stride, strict=True)]
    if not any(missing):
        return image
    return functional.pad(image, [pad for m in reversed(missing) for pad in (0, m)], mode="replicate")
