"""Scores that compare two segmentations object by object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Contingency, sum_by_label

Ratios = NDArray[np.float64]

AP_THRESHOLDS = tuple(range(50, 100, 5))
"""Percent of intersection over union at which the average precision is averaged."""


def count_matches(table: Contingency, thresholds: Sequence[int] = AP_THRESHOLDS) -> NDArray[np.int64]:
    """Count the segments that match a true object, for each threshold.

    A segment matches when intersection over union is above the threshold, a whole number of percent from 50
    on. Above one half no object can match twice, so counting pairs is the optimal assignment. The comparison
    is made in integers: one exact half of an object never matches.
    """
    segment_sizes, segment_index = sum_by_label(table.segments, table.counts)
    truth_sizes, truth_index = sum_by_label(table.truths, table.counts)
    of_objects = (table.segments > 0) & (table.truths > 0)
    unions = segment_sizes[segment_index] + truth_sizes[truth_index] - table.counts
    intersections, unions = table.counts[of_objects], unions[of_objects]
    return np.array([np.count_nonzero(100 * intersections > t * unions) for t in thresholds], np.int64)


def precision_and_f1(matches: NDArray[np.int64], n_true: int, n_predicted: int) -> tuple[Ratios, Ratios]:
    """Return TP / (TP + FP + FN) and 2 TP / (2 TP + FP + FN); one of the two sides has objects."""
    return matches / (n_true + n_predicted - matches), 2 * matches / (n_true + n_predicted)


def foreground_dice(table: Contingency) -> float:
    """Return 2 |S and T| / (|S| + |T|) of the pixels that belong to any object; one of them is not empty."""
    in_segment, in_truth = table.segments > 0, table.truths > 0
    both = table.counts[in_segment & in_truth].sum()
    return float(2 * both / (table.counts[in_segment].sum() + table.counts[in_truth].sum()))
