"""Objects that were cut where two blocks of a large image met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_graft.proofreading.suspicion import ReviewContext, Suspicion, bits_of_cut

Pair = tuple[int, int]

_FEWEST_PAIRS = 12
"""Pairs of pixels across a plane: shorter straight borders are chance."""
_LEAST_SHARE = 0.9
"""Of the border of two objects that lies in one plane across y or x."""
_WRONG_CUTS = 0.7
"""Probability that two objects are one whose border is such a plane."""


def cut_at_block_border(context: ReviewContext) -> Iterator[Suspicion]:
    """Find pairs of objects whose border is one straight line along y or x: cells end otherwise, blocks so.

    Planes across z are left out: between thick slices objects end there of themselves.
    """
    segments = context.segments
    n_contacts: Counter[Pair] = Counter()
    straightest: dict[Pair, tuple[int, tuple[int, ...]]] = {}
    for axis in range(segments.ndim):
        for pair, n, position in _contacts(segments, axis):
            n_contacts[pair] += n
            is_across_plane = axis >= segments.ndim - 2
            if is_across_plane and n > straightest.get(pair, (0, ()))[0]:
                straightest[pair] = n, position
    for pair, (n, position) in straightest.items():
        if n >= _FEWEST_PAIRS and n >= _LEAST_SHARE * n_contacts[pair]:
            bits = _WRONG_CUTS * bits_of_cut(*(context.sizes[one] for one in pair))
            words = f"their border is a straight line of {n} pixels, as where two blocks meet"
            yield context.suspect(pair, "cut at a block border", words, position, bits)


def _contacts(segments: NDArray[np.integer], axis: int) -> Iterator[tuple[Pair, int, tuple[int, ...]]]:
    """Yield how often two objects touch across each plane of an axis, and where they do first."""
    n = segments.shape[axis]
    low, high = (segments.take(range(a, b), axis) for a, b in ((0, n - 1), (1, n)))
    is_border = (low > 0) & (high > 0) & (low != high)
    positions = np.argwhere(is_border)
    ends = np.sort(np.stack([low[is_border], high[is_border]], axis=1), axis=1)
    keys = np.column_stack([ends.astype(np.int64), positions[:, axis]])
    found, firsts, counts = np.unique(keys, axis=0, return_index=True, return_counts=True)
    for (one, other, _), first, count in zip(found.tolist(), firsts, counts.tolist(), strict=True):
        yield (one, other), count, tuple(positions[first].tolist())
