"""The Fréchet distance of the images, to compare MMD with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.scorers.sighting import ScoringContext


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
