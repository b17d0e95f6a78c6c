"""The few things that a tile shows, as vectors: its semantic patterns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans

from napari_graft.core.errors import InputError

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
