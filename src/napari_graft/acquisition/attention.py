"""Where a tile has something to see."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError


def edge_attention(pixels: NDArray[np.float32], token_shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the mean strength of the edges in the part of a tile that each token stands for.

    The result is float32 `token_shape`. The strength is the length of the gradient by central differences, so
    smooth background weighs little and membranes and outlines much.

    Parameters
    ----------
    pixels
        Grey values of the tile, float32 (*s).
    token_shape
        Number of tokens along each axis, at most the number of pixels.

    Raises
    ------
    InputError
        If there are more tokens than pixels along an axis.
    """
    if len(token_shape) != pixels.ndim or any(t > n for t, n in zip(token_shape, pixels.shape, strict=True)):
        raise InputError(
            f"a tile of {pixels.shape} pixels cannot have {token_shape} tokens: give fewer tokens"
        )
    strength = np.zeros(pixels.shape, np.float64)
    for axis, length in enumerate(pixels.shape):
        if length > 1:
            strength += np.gradient(pixels.astype(np.float64), axis=axis) ** 2
    attention = np.sqrt(strength)
    for axis, count in enumerate(token_shape):
        edges = np.linspace(0, pixels.shape[axis], count + 1).round().astype(int)
        parts = [attention.take(range(a, b), axis).mean(axis) for a, b in pairwise(edges)]
        attention = np.stack(parts, axis)
    return attention.astype(np.float32)
