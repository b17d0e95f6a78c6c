"""The energy distance of the images, to compare MMD with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from napari_graft.scorers.sighting import ScoringContext


def energy_closeness(context: ScoringContext) -> float | None:
    """Return minus the energy distance of the standardised features; it needs the source's own tiles."""
    fingerprint, own = context.fingerprint, context.source_features
    if fingerprint is None or own is None:
        return None
    return -energy_distance(fingerprint.standardise(own), fingerprint.standardise(context.features))


def energy_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Return 2 E|x - y| - E|x - x'| - E|y - y'| over the rows of `x` (n, d) and `y` (m, d), unbiased.

    Székely and Rizzo, J. Stat. Plan. Inference 143 (2013) 1249. It needs the tiles of both sides, or their
    features, and cannot be computed from a fingerprint.
    """
    between = cdist(x, y).mean()
    return float(2 * between - pdist(x).mean() - pdist(y).mean())
