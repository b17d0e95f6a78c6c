"""Scorers that compare images alone: MMD as NeuroADDA has it, and other distances to compare it with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from napari_graft.fingerprints.distance import distance
from napari_graft.scorers.scoring_context import ScoringContext


def closeness(context: ScoringContext) -> float | None:
    """Return minus z of the MMD² between the target's and the source's tiles; see `Distance`."""
    return None if context.distance is None else -context.distance.z


def general_closeness(context: ScoringContext) -> float | None:
    """Return minus the MMD² in the common encoder.

    All sources are measured with one ruler, so the values themselves are compared and not how far they
    exceed the scatter within each source, of which a source of few alike images has little.
    """
    stored = context.source.load_general_fingerprint()
    features = context.target.general_features(context.network.spec)
    if stored is None or features is None:
        return None
    return -distance(stored, features).mmd2


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


def frechet_closeness(context: ScoringContext) -> float | None:
    """Return minus the Fréchet distance of the standardised features, taken as independent Gaussians."""
    fingerprint = context.fingerprint
    if fingerprint is None:
        return None
    return -frechet_to_standard(fingerprint.standardise(context.features))


def frechet_to_standard(features: NDArray[np.floating]) -> float:
    """Return the Fréchet distance between the rows of `features` (m, d) and the standard normal law.

    |μ|² + Σ (σ_i - 1)²

    with the mean μ and the deviations σ of the rows: the distance of two Gaussians with diagonal covariances
    (Dowson and Landau, J. Multivariate Anal. 12 (1982) 450). A source stores its means and deviations only;
    a full covariance could not be estimated from a few dozen tiles either.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    return float((mean**2).sum() + ((deviation - 1) ** 2).sum())
