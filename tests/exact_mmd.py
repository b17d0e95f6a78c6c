"""The squared maximum mean discrepancy as it is defined: the oracle for that by random features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist, pdist

from napari_graft.fingerprints.mmd import multiscale_kernel


def exact_mmd2(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], bandwidth: float) -> float:
    """Return the unbiased estimate of the squared MMD between the rows of `x` (n, d) and `y` (m, d).

    MMD²_u = 1/(n(n-1)) Σ_{i≠j} k(x_i, x_j) + 1/(m(m-1)) Σ_{i≠j} k(y_i, y_j) - 2/(nm) Σ_{i,j} k(x_i, y_j)

    with the kernel of `multiscale_kernel`. It is unbiased, hence it can be negative.

    References
    ----------
    Gretton et al., A kernel two-sample test, JMLR 13 (2012), lemma 6.
    """
    within_x = multiscale_kernel(pdist(x, "sqeuclidean"), bandwidth).mean()
    within_y = multiscale_kernel(pdist(y, "sqeuclidean"), bandwidth).mean()
    between = multiscale_kernel(cdist(x, y, "sqeuclidean"), bandwidth).mean()
    return float(within_x + within_y - 2 * between)
