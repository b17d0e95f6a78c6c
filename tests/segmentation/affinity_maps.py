"""Affinities as an imperfect network gives them, made from labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from tests.segmentation.affinity_oracle import affinities_from_labels, foreground_from_labels

OFFSETS = (
    (-1, 0),
    (0, -1),
    (-3, 0),
    (0, -3),
    (-9, 0),
    (0, -9),
    (-27, 0),
    (0, -27),
    (-9, -9),
    (-9, 9),
)
OFFSETS_3D = (
    (-1, 0, 0),
    (0, -1, 0),
    (0, 0, -1),
    (-2, 0, 0),
    (0, -4, 0),
    (0, 0, -4),
    (0, -9, 0),
    (0, 0, -9),
)


def cells(shape: Sequence[int], n_cells: int, rng: np.random.Generator, membrane: float = 1.5) -> np.ndarray:
    """Divide an image into the cells nearest to random points, with a membrane of background between them."""
    points = np.zeros(shape, int)
    at = tuple(rng.integers(0, n, n_cells) for n in shape)
    points[at] = np.arange(1, n_cells + 1)
    nearest = distance_transform_edt(points == 0, return_distances=False, return_indices=True)
    labels = points[tuple(nearest)]
    is_border = np.zeros(shape, bool)
    for axis in range(len(shape)):
        differs = np.diff(labels, axis=axis) != 0
        is_border[tuple(slice(0, -1) if a == axis else slice(None) for a in range(len(shape)))] |= differs
    return np.where(distance_transform_edt(~is_border) < membrane, 0, labels)


def probabilities(
    labels: np.ndarray,
    offsets: Sequence[Sequence[int]],
    rng: np.random.Generator,
    noise: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return foreground and affinities: blurred, with smooth errors, and with gaps in the membranes."""
    annotation = labels.astype(np.int64) + 1
    truth = np.concatenate(
        [foreground_from_labels(annotation)[0][None], affinities_from_labels(annotation, offsets)[0]]
    )
    gaps = _smooth(labels.shape, 6, rng)
    gaps = np.clip(2 * (gaps - np.quantile(gaps, 0.9)), 0, 1)
    channels = []
    for channel, reach in zip(truth, [0, *(max(map(abs, offset)) for offset in offsets)], strict=True):
        logits = 10 * (gaussian_filter(channel, 1 + 0.1 * reach) - 0.5) + noise * _smooth(
            labels.shape, 1.5, rng
        )
        channels.append(1 / (1 + np.exp(-logits - (6 * gaps if reach <= 3 else 0))))
    result = np.stack(channels).astype(np.float32)
    return result[0], result[1:]


def _smooth(shape: Sequence[int], sigma: float, rng: np.random.Generator) -> np.ndarray:
    field = gaussian_filter(rng.normal(size=shape), sigma)
    return field / field.std()
