"""Tiles that show nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 4
REFERENCE_PERCENTILE = 90
BLANK_FRACTION = 0.2


def tile_contrast(pixels: NDArray[np.floating[Any]]) -> float:
    """Return the standard deviation of a tile's grey values after averaging blocks of up to 4 pixels a side.

    Averaging takes away most of the noise of the camera, so that an empty tile has little contrast however
    noisy it is.
    """
    averaged = pixels.astype(np.float64)
    for axis, length in enumerate(pixels.shape):
        starts = np.arange(0, length, BLOCK)
        lengths = np.diff(np.append(starts, length))
        shape = [-1 if other == axis else 1 for other in range(pixels.ndim)]
        averaged = np.add.reduceat(averaged, starts, axis) / lengths.reshape(shape)
    return float(averaged.std())


def is_blank(contrasts: Sequence[float]) -> NDArray[np.bool_]:
    """Say of each tile whether its contrast is less than a fifth of the 90th percentile of all.

    The upper end is the yardstick, because most tiles of a sparse image may be blank; it is not the maximum,
    because one bright speck would then rule out all the others. At least a tenth of the tiles always remain,
    and all remain where all are alike.
    """
    values = np.asarray(contrasts, np.float64)
    if values.size == 0:
        return np.zeros(0, bool)
    return np.asarray(values < BLANK_FRACTION * np.percentile(values, REFERENCE_PERCENTILE))
