"""The tiles of an image among which strategies choose, and what each of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def candidate_tiles(
    shape: Sequence[int], tile_shape: Sequence[int], rng: np.random.Generator, limit: int
) -> list[Tile]:
    """Return up to `limit` tiles of an image, spread evenly, none of which overlaps another.

    Along each axis there are as many whole tiles as fit, the first at the beginning and the last at the end
    of the image, with the pixels that are left over as gaps between them; a single one is in the middle. An
    axis shorter than the tile gives one tile as long as the axis. The same image always gives the same grid,
    so that annotated tiles of one round match the candidates of the next. Of more than `limit` tiles a random
    part is returned, in the order of the grid.

    Parameters
    ----------
    shape
        Shape of the image.
    tile_shape
        Shape of a tile; one axis fewer than the image has means tiles of a single slice, (1, y, x).
    rng
        What draws the part.
    limit
        Largest number of tiles, at least 1; the time does not depend on how many there are in all.

    Raises
    ------
    InputError
        If the numbers of axes do not fit, or a number is less than 1.
    """
    wanted = (1,) * (len(shape) - len(tile_shape)) + tuple(tile_shape)
    if len(wanted) != len(shape) or len(shape) - len(tile_shape) > 1 or min(*shape, *wanted) < 1 or limit < 1:
        raise InputError(
            f"cannot take {limit} tiles of {tuple(tile_shape)} from an image of {tuple(shape)}: give a tile "
            "with as many axes as the image, or one fewer, and a limit of at least 1"
        )
    clipped = tuple(min(length, bound) for length, bound in zip(wanted, shape, strict=True))
    starts = [_starts(bound, length) for bound, length in zip(shape, clipped, strict=True)]
    counts = tuple(len(along) for along in starts)
    total = prod(counts)
    flat = np.arange(total) if total <= limit else np.sort(rng.choice(total, limit, replace=False))
    indices = np.stack(np.unravel_index(flat, counts), axis=1)
    return [
        Tile(tuple(along[i] for along, i in zip(starts, index, strict=True)), clipped) for index in indices
    ]


def _starts(bound: int, length: int) -> list[int]:
    count = bound // length
    if count == 1:
        return [(bound - length) // 2]
    return [int(i * (bound - length) / (count - 1)) for i in range(count)]


BLOCK = 4
REFERENCE_PERCENTILE = 90
BLANK_FRACTION, FULL_FRACTION = 0.2, 0.5


def tile_contrast(pixels: NDArray[np.floating[Any]]) -> float:
    """Return the standard deviation of a tile's grey values after averaging blocks of up to 4 pixels a side.

    Averaging takes away most of the noise of the camera, so that an empty tile has little contrast however
    noisy it is.
    """
    averaged = pixels.astype(np.float64)
    for axis, length in enumerate(pixels.shape):
        starts = np.arange(0, length, BLOCK)
        lengths = np.diff(np.append(starts, length))
        shape = [-1 if other == axis else 1 for other in range(pixels.ndim)]
        averaged = np.add.reduceat(averaged, starts, axis) / lengths.reshape(shape)
    return float(averaged.std())


def is_blank(contrasts: Sequence[float]) -> NDArray[np.bool_]:
    """Say of each tile whether its contrast is less than a fifth of the 90th percentile of all.

    The upper end is the yardstick, because most tiles of a sparse image may be blank; it is not the maximum,
    because one bright speck would then rule out all the others. At least a tenth of the tiles always remain,
    and all remain where all are alike.
    """
    return _is_below(contrasts, BLANK_FRACTION)


def holds_objects(foregrounds: Sequence[float | None]) -> NDArray[np.bool_]:
    """Say of each tile whether it has at least half as much foreground as the tenth that has the most.

    All do where the foreground of one is not known.
    """
    known = [one for one in foregrounds if one is not None]
    if len(known) < len(foregrounds):
        return np.ones(len(foregrounds), bool)
    return ~_is_below(known, FULL_FRACTION)


def _is_below(values: Sequence[float], fraction: float) -> NDArray[np.bool_]:
    """Say of each value whether it is less than a fraction of the upper end of all."""
    known = np.asarray(values, np.float64)
    if known.size == 0:
        return np.zeros(0, bool)
    return np.asarray(known < fraction * np.percentile(known, REFERENCE_PERCENTILE))


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


ATTENDED_SHARE = 0.5
N_RESTARTS = 3


def semantic_patterns(
    tokens: NDArray[np.float32],
    weights: NDArray[np.float32] | None,
    k: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return up to `k` patterns of unit length, float32 (k', c): the k-means centres of the attended tokens.

    Attended are the fewest tokens that hold half of the total weight. Where they are fewer than `k` different
    ones, they are the patterns themselves.

    Parameters
    ----------
    tokens
        Dense features of one tile, float32 (c, *s).
    weights
        Attention to each token, not negative, (*s); None attends to all. See `edge_attention`.
    k
        Number of centres wanted, at least 1.
    rng
        What draws the first centres.

    Raises
    ------
    InputError
        If `k` is less than 1 or the shape of `weights` is not that of the tokens.

    References
    ----------
    Xie et al., Towards Free Data Selection with General-Purpose Models, NeurIPS 2023; there the attention is
    that of a vision transformer, which means little on electron micrographs.
    """
    if k < 1:
        raise InputError(f"cannot make {k} patterns of a tile: ask for at least 1")
    if weights is not None and weights.shape != tokens.shape[1:]:
        raise InputError(
            f"weights of shape {weights.shape} for tokens of shape {tokens.shape[1:]}: give one each"
        )
    rows = tokens.reshape(len(tokens), -1).T.astype(np.float64)
    attended = rows if weights is None else rows[_attended(weights.ravel())]
    distinct = np.unique(attended, axis=0)
    centres = distinct if len(distinct) <= k else kmeans(attended, k, iter=N_RESTARTS, rng=rng)[0]
    return to_unit_length(centres).astype(np.float32)


def to_unit_length(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows (k, c) brought to unit length; rows of zeros stay so."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float64)


def _attended(weights: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the fewest tokens with half of the weight; all of them where none has any."""
    order = np.argsort(-weights, kind="stable")
    mass = np.cumsum(weights[order], dtype=np.float64)
    if not mass[-1] > 0:
        return order
    return order[: int(np.searchsorted(mass, ATTENDED_SHARE * mass[-1])) + 1]
