"""Overlapping windows whose answers are blended, so that no seam shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile

_SILENT = 3 / 8
"""Share of the overlap, from the border of a window, where its answer does not count."""
_LEAST_WEIGHT = 1e-6
_LEAST_MULTIPLES = 4


def window_tiles(
    shape: Sequence[int], largest: Sequence[int], overlap: Sequence[int], multiple: Sequence[int]
) -> list[Tile]:
    """Cover an image with few windows of one shape that overlap at least by `overlap`.

    Windows are no longer than they must be: an image a little longer than `largest` gets two windows of about
    half its length and not two of `largest`, most of which would be predicted twice.

    Parameters
    ----------
    largest
        Longest window along each axis.
    multiple
        Where an axis has several windows their length is a multiple of this, unless the image is shorter, so
        that nothing is padded. They begin at multiples of `start_multiple`, but for the last where the image
        is no multiple long: so that all see the same grid.
    """
    sizes, starts = [], []
    for length, longest, shared, factor in zip(shape, largest, overlap, multiple, strict=True):
        step = start_multiple(longest, factor)
        at_least = shared + step - 1 if length > longest else shared  # a start moves down to a multiple
        n_windows = max(1, -(-(length - at_least) // max(1, longest - at_least))) if length > longest else 1
        size = -(-(length + (n_windows - 1) * at_least) // n_windows)
        size = min(-(-size // factor) * factor, length)
        sizes.append(size)
        places = np.linspace(0, length - size, n_windows).astype(int) // step * step
        starts.append([*places[:-1].tolist(), length - size])
    return [Tile(tuple(start), tuple(sizes)) for start in product(*starts)]


def start_multiple(longest: int, multiple: int) -> int:
    """Return what windows of a length begin at multiples of: 1 where they are too short for another grid.

    A network of one size is shown windows of that size, which are its `multiple` as well.
    """
    return multiple if longest >= _LEAST_MULTIPLES * multiple else 1


def blend_weights(shape: Sequence[int], overlap: Sequence[int]) -> NDArray[np.float32]:
    """Return weights that fall linearly to the border around the middle of the overlap.

    In the outer three eighths of the overlap, where a network lacks context, they are next to nothing: there
    the neighbour speaks. They never reach 0, as some pixels have no neighbour.
    """
    weights = np.ones(tuple(shape), np.float32)
    for axis, (length, shared) in enumerate(zip(shape, overlap, strict=True)):
        distance = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
        rise = (distance / (shared + 1) - _SILENT) / (1 - 2 * _SILENT)
        ramp = np.clip(rise, _LEAST_WEIGHT, 1.0).astype(np.float32)
        weights *= ramp.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return weights


def to_batch(windows: Sequence[NDArray[np.float32]], device: torch.device) -> torch.Tensor:
    """Stack windows of one shape into (N, 1, *spatial) on the device."""
    return torch.from_numpy(np.stack(windows)[:, None]).to(device, non_blocking=True)


class Blender:
    """Accumulator of the blended outputs of windows in one array.

    Parameters
    ----------
    n_channels
        Channels of an answer.
    shape
        Shape of the image.
    window
        Shape of a window.
    overlap
        Width of the blending.
    """

    def __init__(
        self, n_channels: int, shape: Sequence[int], window: Sequence[int], overlap: Sequence[int]
    ) -> None:
        self._sum = np.zeros((n_channels, *shape), np.float32)
        self._weight = np.zeros(tuple(shape), np.float32)
        self._weights = blend_weights(window, overlap)

    def add(self, window: Tile, answer: NDArray[np.float32]) -> None:
        """Add the answer (n_channels, *window.shape) of one window, which is scaled in place."""
        answer *= self._weights
        self._sum[(slice(None), *window.slices)] += answer
        self._weight[window.slices] += self._weights

    def result(self, cancel: CancelToken) -> NDArray[np.float32]:
        """Return the weighted mean, float32 (n_channels, *shape)."""
        cancel.raise_if_cancelled()
        self._sum /= self._weight
        return self._sum
