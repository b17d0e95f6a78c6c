"""Overlapping windows whose answers are blended, so that no seam shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile


def window_tiles(shape: Sequence[int], window: Sequence[int], overlap: Sequence[int]) -> list[Tile]:
    """Cover an image with windows of one shape that overlap at least by `overlap`.

    Windows are as long as the image along axes where it is shorter; they are spread evenly, the last one ends
    with the image.
    """
    starts = []
    for length, wanted, shared in zip(shape, window, overlap, strict=True):
        size = min(wanted, length)
        step = max(1, size - shared)
        n_windows = 1 + -(-(length - size) // step)
        starts.append(np.linspace(0, length - size, n_windows).round().astype(int).tolist())
    used = tuple(min(size, length) for length, size in zip(shape, window, strict=True))
    return [Tile(tuple(start), used) for start in product(*starts)]


def blend_weights(shape: Sequence[int], overlap: Sequence[int]) -> NDArray[np.float32]:
    """Return weights that fall linearly towards the border over the width of the overlap, never to 0."""
    weights = np.ones(tuple(shape), np.float32)
    for axis, (length, shared) in enumerate(zip(shape, overlap, strict=True)):
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
        ramp = np.minimum(distance / (shared + 1), 1.0).astype(np.float32)
        weights *= ramp.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return weights


def to_batch(windows: Sequence[NDArray[np.float32]], device: torch.device) -> torch.Tensor:
    """Stack windows of one shape into (N, 1, *spatial) on the device."""
    return torch.from_numpy(np.stack(windows)[:, None]).to(device, non_blocking=True)


class Blender:
    """Add up the blended answers of windows into one array.

    Parameters
    ----------
    n_channels
        Channels of an answer.
    shape
        Shape of the image.
    overlap
        Width of the blending.
    """

    def __init__(self, n_channels: int, shape: Sequence[int], overlap: Sequence[int]) -> None:
        self._sum = np.zeros((n_channels, *shape), np.float32)
        self._weight = np.zeros(tuple(shape), np.float32)
        self._overlap = tuple(overlap)

    def add(self, window: Tile, answer: NDArray[np.float32]) -> None:
        """Add the answer (n_channels, *window.shape) of one window."""
        weights = blend_weights(window.shape, self._overlap)
        self._sum[(slice(None), *window.slices)] += answer * weights
        self._weight[window.slices] += weights

    def result(self, cancel: CancelToken) -> NDArray[np.float32]:
        """Return the weighted mean, float32 (n_channels, *shape)."""
        cancel.raise_if_cancelled()
        self._sum /= self._weight
        return self._sum
