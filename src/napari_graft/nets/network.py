"""What all networks can do, whoever made them, and the padding that their strides ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from napari_graft.sources.network_spec import NetworkSpec


class Network(nn.Module, ABC):
    """Base of all networks: predicts foreground and affinities from a grey image.

    `forward` maps a normalised image (N, 1, *spatial), each length a multiple of `spec.total_stride`, to
    logits (N, 1 + n_offsets, *spatial): the foreground, then one affinity for each of `spec.offsets`.
    """

    spec: NetworkSpec

    @abstractmethod
    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return what the network sees in an image, as maps (N, C, *coarse), the deepest last."""

    def forward_with_features(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what `forward` and the last map of `encode` are, without computing anything twice."""
        return self(x), self.encode(x)[-1]

    @abstractmethod
    def stored_weights(self) -> dict[str, NDArray[Any]]:
        """Return the arrays from which `napari_graft.nets.build.load_network` makes this network again."""


def pad_to_stride(image: torch.Tensor, stride: Sequence[int]) -> torch.Tensor:
    """Extend (N, C, *spatial) at the far ends to multiples of `stride`, by repeating the border."""
    missing = [-n % s for n, s in zip(image.shape[2:], stride, strict=True)]
    if not any(missing):
        return image
    return functional.pad(image, [pad for m in reversed(missing) for pad in (0, m)], mode="replicate")
