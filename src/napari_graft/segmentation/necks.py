"""Cut objects that are not convex where they are thin: two nuclei that touch are no nucleus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

_DEPTH = 0.3
"""Pixels by which a neck must be thinner than the objects beside it; less is a rough outline."""
_GAIN = 0.015
"""By how much the parts must be more convex than the whole."""


def cut_necks(segments: NDArray[np.uint32], least_solidity: float, smallest: int) -> NDArray[np.uint32]:
    """Return objects of which those that are not convex are cut in two or more at their necks.

    The markers are the tops of the distance map that stand out by some depth (h-maxima), the cuts those of a
    watershed on it. A cut is made only where it leaves parts that are clearly more convex than the whole.

    Parameters
    ----------
    segments
        (y, x), 0 background, 1… objects, consecutive.
    least_solidity
        Objects whose area is a smaller share of that of their convex hull are looked at, 0 to 1.
    smallest
        Pixels that each part must have.

    Returns
    -------
    cut
        Shape of `segments`; new objects have the next numbers.
    """
    cut = segments.copy()
    n_objects = int(segments.max(initial=0))
    for number, place in enumerate(ndimage.find_objects(segments), start=1):
        if place is None:
            continue
        mask = segments[place] == number
        parts = _parts(mask, least_solidity, smallest)
        for part in range(2, int(parts.max(initial=0)) + 1):
            n_objects += 1
            cut[place][parts == part] = n_objects
    return cut


def solidity(mask: NDArray[np.bool]) -> float:
    """Return the area of an object as a share of that of its convex hull, holes filled; 1 is convex.

    Parameters
    ----------
    mask
        (y, x), of the object alone, with no empty row at its border.
    """
    filled = ndimage.binary_fill_holes(mask)
    outline = np.concatenate([_row_ends(filled), _row_ends(filled.T)[:, ::-1]])
    return float(filled.sum() / ConvexHull(outline).volume)


def _row_ends(mask: NDArray[np.bool]) -> NDArray[np.float64]:
    """Return the middles of the outer sides of the first and the last pixel of each row, (n, 2)."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    end = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    return np.concatenate([np.column_stack([rows + 0.5, x]) for x in (first, end)])


def _parts(mask: NDArray[np.bool], least_solidity: float, smallest: int) -> NDArray[np.int32]:
    """Return the parts of an object, 1…; a single one where it is not to be cut."""
    whole = mask.astype(np.int32)
    before = solidity(mask) if mask.sum() >= 2 * smallest else 1.0
    if before >= least_solidity:
        return whole
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(np.pad(mask, 1)), 1)[1:-1, 1:-1]
    tops = h_maxima(depth, _DEPTH) > 0
    markers, n_parts = ndimage.label(tops & mask, np.ones((3, 3)))
    if n_parts < 2:
        return whole
    parts: NDArray[np.int32] = watershed(-depth, markers, mask=mask).astype(np.int32)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:]
    if sizes.min() < smallest:
        return whole
    after = np.average([solidity(parts == i + 1) for i in range(n_parts)], weights=sizes)
    return parts if after > before + _GAIN else whole
