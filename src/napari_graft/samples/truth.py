"""From a map of cells to truth: dense, connected ids that background keeps apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def touching_edges(cells: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the pixels of one slice in whose 3 by 3 neighbourhood two ids meet; 0 is ground and no id."""
    high = ndimage.maximum_filter(cells, size=3, mode="nearest")
    without_ground = np.where(cells == 0, np.iinfo(cells.dtype).max, cells)
    low = ndimage.minimum_filter(without_ground, size=3, mode="nearest")
    return np.asarray(low < high)


def connected_truth(regions: NDArray[np.int32], min_area: int = 12) -> NDArray[np.uint32]:
    """Make truth from a (z, y, x) stack of regions in which different ids never touch within a slice.

    In each slice every region is cut into its 4-connected pieces; pieces under `min_area` pixels become
    background. A piece takes the id of the piece of the same region that it overlaps most in the slice
    before, if no piece with more overlap has taken it; else it receives a new id. Ids are dense.
    """
    truth = np.zeros(regions.shape, np.uint32)
    n_ids = 0
    for z, region in enumerate(regions):
        pieces = _large_pieces(region, min_area)
        before = np.where(regions[z - 1] == region, truth[z - 1], 0) if z else np.zeros_like(truth[0])
        names, n_ids = _inherit_names(pieces, before, n_ids)
        truth[z] = names[pieces]
    return truth


def _large_pieces(region: NDArray[np.int32], min_area: int) -> NDArray[np.int32]:
    """Give the 4-connected pieces of a slice numbers; as different ids never touch, a mask is enough."""
    pieces, n_pieces = ndimage.label(region > 0)
    area = np.bincount(pieces.ravel(), minlength=n_pieces + 1)
    is_kept = area >= min_area
    is_kept[0] = False
    names = np.where(is_kept, np.cumsum(is_kept), 0).astype(np.int32)
    return np.asarray(names[pieces], np.int32)


def _inherit_names(
    pieces: NDArray[np.int32], before: NDArray[np.uint32], n_ids: int
) -> tuple[NDArray[np.uint32], int]:
    """Return the id of each piece (index 0 is background), and how many ids are in use now."""
    names = np.zeros(int(pieces.max()) + 1, np.uint32)
    is_shared = (pieces > 0) & (before > 0)
    pair = pieces[is_shared].astype(np.int64) * (n_ids + 1) + before[is_shared]
    pairs, overlap = np.unique(pair, return_counts=True)
    taken: set[int] = set()
    for index in np.argsort(-overlap, kind="stable"):
        piece, name = divmod(int(pairs[index]), n_ids + 1)
        if not names[piece] and name not in taken:
            names[piece] = name
            taken.add(name)
    unnamed = np.flatnonzero(names == 0)
    unnamed = unnamed[unnamed > 0]
    names[unnamed] = n_ids + 1 + np.arange(len(unnamed))
    return names, n_ids + len(unnamed)
