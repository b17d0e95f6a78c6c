"""Gather pixels that belong together at first sight, so that few regions are left to decide about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.segmentation.edges import Offset, pixel_pairs


def find_supervoxels(
    mask: NDArray[np.bool], affinities: NDArray[np.float32], offsets: Sequence[Offset]
) -> NDArray[np.int32]:
    """Cut the mask into small regions: each pixel follows its strongest affinity, as water runs downhill.

    A mutex watershed on pixels takes these very edges first around each pixel; only where a still stronger
    repulsion stands against one does it decide otherwise.

    Parameters
    ----------
    mask
        Where objects can be.
    affinities
        (ndim, *spatial) of the nearest neighbours.
    offsets
        The ndim offsets to the nearest neighbours, one for each axis.

    Returns
    -------
    regions
        0 outside the mask, 1… consecutive.
    """
    pixels = np.arange(mask.size, dtype=np.int32)
    follows = pixels + _steps_to_strongest(mask, affinities, offsets).reshape(-1)
    # Affinities never fall along the way, so each way ends in two pixels that follow each other.
    is_end = (follows.take(follows) == pixels) & (pixels < follows)
    follows -= (follows - pixels) * is_end
    while True:
        further = follows.take(follows)
        if np.array_equal(further, follows):
            break
        follows = further
    is_root = mask.reshape(-1) & (follows == pixels)
    numbers = np.cumsum(is_root, dtype=np.int32)
    return numbers.take(follows).reshape(mask.shape) * mask


def _steps_to_strongest(
    mask: NDArray[np.bool], affinities: NDArray[np.float32], offsets: Sequence[Offset]
) -> NDArray[np.int32]:
    """Return the step in the flat image from each pixel to the neighbour that attracts it most, 0 to none.

    Of equal neighbours the first is taken, in the order of the offsets: without such an order ways could be
    circles.
    """
    strongest = np.zeros(mask.shape, np.float32)
    # Numbers of the steps, later ones greater: arithmetic on bytes is several times faster than `where`.
    choice = np.zeros(mask.shape, np.int8)
    steps = [0]
    pixel_steps = np.cumprod([1, *mask.shape[:0:-1]])[::-1]
    for affinity, offset in zip(affinities, offsets, strict=True):
        here, there = pixel_pairs(mask.shape, offset)
        weight = affinity[here] * (mask[here] & mask[there])
        step = int(np.dot(pixel_steps, offset))
        for end, way in ((here, step), (there, -step)):
            is_stronger = weight > strongest[end]
            np.maximum(choice[end], is_stronger * np.int8(len(steps)), out=choice[end])
            np.maximum(strongest[end], weight, out=strongest[end])
            steps.append(way)
    return np.array(steps, np.int32).take(choice)
