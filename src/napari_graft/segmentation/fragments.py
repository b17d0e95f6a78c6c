"""What becomes of clusters that are too small to be objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.segmentation.edges import Edges


def give_away_fragments(
    clusters: NDArray[np.int64], core_pixels: NDArray[np.int64], attractive: Edges, min_size: int
) -> NDArray[np.uint32]:
    """Return the object of each region, small clusters given away and objects numbered 1….

    A cluster of fewer than `min_size` core pixels joins the neighbouring large cluster with the strongest
    attractive edge to it; without such a neighbour it becomes background.

    Parameters
    ----------
    clusters
        Cluster of each region, (n_regions,); region 0 is the background and alone in its cluster.
    core_pixels
        Pixels of each region that count.
    attractive
        Edges between the regions.
    """
    is_large = np.bincount(clusters, core_pixels) >= min_size
    is_large[clusters[0]] = False
    owners = np.arange(is_large.size)
    ends = clusters[attractive.ends.T]
    ends, weights = np.concatenate([ends, ends[:, ::-1]]), np.tile(attractive.weights, 2)
    to_give = ~is_large[ends[:, 0]] & is_large[ends[:, 1]]
    ends, weights = ends[to_give], weights[to_give]
    order = np.argsort(weights, kind="stable")
    owners[ends[order, 0]] = ends[order, 1]
    numbers = np.where(is_large, np.cumsum(is_large), 0).astype(np.uint32)
    return numbers[owners[clusters]]
