"""What a textbook gets without any learning: Otsu's threshold, and a watershed on the map of distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIGMA = 1.5
"""Pixels over which the image is smoothed."""
_LEAST_AREA = 20
"""Pixels; what is smaller is noise."""
_LEAST_SHARE = 0.1
"""Of the median area; what is smaller is debris."""
_APART = 0.6
"""Shares of the typical radius by which the middles of two objects are apart."""


def otsu_watershed(image: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return objects by Otsu's threshold (1979) that are parted where they narrow, ids from 1.

    Bright or dark, the objects are the class that covers less of the border of the image.

    Parameters
    ----------
    image
        Grey, (y, x), in memory whole.
    """
    from skimage.filters import gaussian, threshold_otsu

    smooth = gaussian(image, _SIGMA, preserve_range=True)
    bright = smooth > threshold_otsu(smooth)
    is_dark = _on_border(bright).mean() > 0.5
    return _part(~bright if is_dark else bright)


def _on_border(mask: NDArray[np.bool]) -> NDArray[np.bool]:
    return np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])


def _part(mask: NDArray[np.bool]) -> NDArray[np.uint32]:
    from scipy.ndimage import binary_fill_holes, distance_transform_edt
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian
    from skimage.measure import label
    from skimage.segmentation import watershed

    found = _without_debris(label(binary_fill_holes(mask), connectivity=1))
    if not found.any():
        return found
    areas = np.bincount(found.ravel())[1:]
    apart = max(1, round(_APART * float(np.sqrt(np.median(areas[areas > 0]) / np.pi))))
    distance = gaussian(distance_transform_edt(found > 0), 1.0, preserve_range=True)
    peaks = peak_local_max(distance, min_distance=apart, labels=found, exclude_border=False)
    markers = np.zeros(mask.shape, np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    parts: NDArray[np.int32] = watershed(-distance, markers, mask=found > 0)
    return parts.astype(np.uint32)


def _without_debris(found: NDArray[np.integer]) -> NDArray[np.uint32]:
    areas = np.bincount(found.ravel())
    areas[0] = 0
    objects = areas[areas >= _LEAST_AREA]
    least = max(_LEAST_AREA, _LEAST_SHARE * float(np.median(objects))) if objects.size else _LEAST_AREA
    return np.where(areas[found] >= least, found, 0).astype(np.uint32)
