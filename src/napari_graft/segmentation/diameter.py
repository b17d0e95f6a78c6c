"""How wide objects are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def median_diameter(segments: NDArray[np.integer]) -> float | None:
    """Return the median diameter of objects within a plane, in pixels; None where there is no object.

    The diameter of an object is that of a disk of its area, ``2 sqrt(area / π)``. In a stack each plane of an
    object counts for itself.

    Parameters
    ----------
    segments
        0 background, 1… objects, (y, x) or (z, y, x).
    """
    planes = segments.reshape(-1, *segments.shape[-2:])
    areas = np.concatenate([np.unique(plane[plane > 0], return_counts=True)[1] for plane in planes])
    return float(2 * np.sqrt(np.median(areas) / np.pi)) if areas.size else None
