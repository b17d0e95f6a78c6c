"""How wide objects are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def median_diameter(segments: NDArray[np.integer]) -> float | None:
    """Return the usual diameter of objects within a plane, in pixels; None where there is no object.

    See `usual_diameter`. In a stack each plane of an object counts for itself.

    Parameters
    ----------
    segments
        0 background, 1… objects, (y, x) or (z, y, x).
    """
    return usual_diameter(object_diameters(segments))


def object_diameters(segments: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the diameter of each object in each plane: that of a disk of its area, ``2 sqrt(area / π)``."""
    planes = segments.reshape(-1, *segments.shape[-2:])
    areas = np.concatenate([np.unique(plane[plane > 0], return_counts=True)[1] for plane in planes])
    return np.asarray(2 * np.sqrt(areas / np.pi))


def usual_diameter(diameters: NDArray[np.float64]) -> float | None:
    """Return the median of diameters, in which each object counts as much as it is wide; None of none.

    Debris and pieces of objects are narrow and may be many: in a plain median they would count as much as
    what they lie beside.
    """
    if not diameters.size:
        return None
    ordered = np.sort(diameters)
    share = np.cumsum(ordered)
    return float(ordered[np.searchsorted(share, share[-1] / 2)])
