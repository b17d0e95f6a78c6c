"""How unsure a prediction is, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.inference.predictor import Prediction

_SMALLEST = 1e-6


def binary_entropy(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``-p log2 p - (1 - p) log2 (1 - p)`` in bits, 0 to 1."""
    p = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    return np.asarray(-p * np.log2(p) - (1 - p) * np.log2(1 - p), np.float32)


def uncertainty_map(prediction: Prediction, n_attractive: int) -> NDArray[np.float32]:
    """Return the mean entropy of the foreground and of the nearest-neighbour affinities, in bits, 0 to 1.

    The long affinities are left out: far from any border they are unsure about pairs that decide nothing.
    """
    entropy = binary_entropy(prediction.foreground)
    for affinity in prediction.affinities[:n_attractive]:
        entropy = entropy + binary_entropy(affinity)
    return np.asarray(entropy / (1 + n_attractive), np.float32)
