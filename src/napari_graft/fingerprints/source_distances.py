"""Measure how far all sources, and the user's image, are from one another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_graft.fingerprints.distance import distance, general_mmd2
from napari_graft.fingerprints.source_map import TARGET, SourceMap, map_of_distances
from napari_graft.sources.fingerprint import Fingerprint


def map_of_fingerprints(
    fingerprints: Mapping[str, Fingerprint], target: NDArray[np.float32] | None = None
) -> SourceMap:
    """Return the map of sources, and of a user's image among them.

    Distances are √MMD², where MMD² is the unbiased estimate, which is slightly negative where two sets of
    images are alike; that counts as 0. MMD itself, and not its square, is a metric.

    Parameters
    ----------
    fingerprints
        Of the sources in the common encoder, by id; see `general_fingerprint`.
    target
        Features of the image's tiles in the same encoder, float32 (m, d); None to map the sources alone.

    Raises
    ------
    InputError
        If fingerprints were not made alike, or there are too few.
    """
    names, known = list(fingerprints), list(fingerprints.values())
    n = len(known) + (target is not None)
    mmd2 = np.zeros((n, n))
    for i, one in enumerate(known):
        for j, other in enumerate(known[:i]):
            mmd2[i, j] = general_mmd2(one, other)
        if target is not None:
            mmd2[-1, i] = distance(one, target).mmd2
    below = np.sqrt(np.maximum(mmd2, 0))
    return map_of_distances(names if target is None else [*names, TARGET], below + below.T)
