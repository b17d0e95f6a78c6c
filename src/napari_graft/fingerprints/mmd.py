"""The squared maximum mean discrepancy of two sets of feature vectors, computed exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from napari_graft.core.errors import InputError

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)


def median_bandwidth(features: NDArray[np.floating[Any]]) -> float:
    """Return the median squared Euclidean distance between two different rows of `features` (n, d).

    Raises
    ------
    InputError
        If there are fewer than two rows, or more than half of the pairs coincide.
    """
    if len(features) < 2:
        raise InputError(f"{len(features)} tiles have no distance between them: give at least 2")
    bandwidth = float(np.median(pdist(features, "sqeuclidean")))
    if not bandwidth > 0:
        raise InputError(f"the features of {len(features)} tiles are all the same: give images that differ")
    return bandwidth


def multiscale_kernel(squared_distances: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    """Return the mean over s in `SCALES` of exp(-|x - y|² / (s · bandwidth)), elementwise."""
    kernel = np.zeros_like(squared_distances)
    for scale in SCALES:
        kernel += np.exp(squared_distances / (-scale * bandwidth))
    return kernel / len(SCALES)


def exact_mmd2(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], bandwidth: float) -> float:
    """Return the unbiased estimate of the squared MMD between the rows of `x` (n, d) and `y` (m, d).

    MMD²_u = 1/(n(n-1)) Σ_{i≠j} k(x_i, x_j) + 1/(m(m-1)) Σ_{i≠j} k(y_i, y_j) - 2/(nm) Σ_{i,j} k(x_i, y_j)

    with the kernel of `multiscale_kernel`. It is unbiased, hence it can be negative. Time and memory grow
    with nm; the stored fingerprints use `napari_graft.fingerprints.random_features` instead, for which this
    is the oracle.

    References
    ----------
    Gretton et al., A kernel two-sample test, JMLR 13 (2012), lemma 6.

    Raises
    ------
    InputError
        If one of the sets has fewer than two rows.
    """
    if min(len(x), len(y)) < 2:
        raise InputError(f"cannot compare {len(x)} with {len(y)} tiles: give at least 2 of each")
    within_x = multiscale_kernel(pdist(x, "sqeuclidean"), bandwidth).mean()
    within_y = multiscale_kernel(pdist(y, "sqeuclidean"), bandwidth).mean()
    between = multiscale_kernel(cdist(x, y, "sqeuclidean"), bandwidth).mean()
    return float(within_x + within_y - 2 * between)
