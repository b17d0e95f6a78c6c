"""A fault on an image that was brought to its grey range already."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_graft.core.axes import Axes
from napari_graft.imaging.faults.fault import Image
from napari_graft.imaging.intensity import LARGEST_NORMALISED, estimate_intensity_range
from napari_graft.io.volume import Volume


def record_anew(image: Image, change: Callable[[Image], Image]) -> Image:
    """Return an image as it would be read had the microscope had a fault: its grey range is measured anew.

    Parameters
    ----------
    image
        Normalised, -1.5 to 1.5, float32 (y, x) or (z, y, x): see `IntensityRange`. These ends count as black
        and white, so that what is usual lies between a sixth and five sixths of the grey of a detector.
    change
        The fault: given grey from 0 to 1, returns it changed.
    """
    spoilt = change((image + np.float32(LARGEST_NORMALISED)) / np.float32(2 * LARGEST_NORMALISED))
    if spoilt.min() == spoilt.max():  # a blank plane has no range, and nothing to learn
        return image
    volume = Volume(spoilt, Axes(("z", "y", "x")[-image.ndim :]))
    return estimate_intensity_range(volume, np.random.default_rng(0)).normalise(spoilt)
