"""All scores of one segmentation against its truth: by partitions of the pixels, and object by object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Contingency, sum_by_label
from napari_graft.sources.card import FILLING_STRUCTURES

Pixels = NDArray[np.float64]


def variation_of_information(table: Contingency) -> tuple[float, float]:
    """Return the split and the merge part of the variation of information, in bits.

    Split is ``H(segmentation | truth)``, merge is ``H(truth | segmentation)``; pixels whose truth is 0 are
    left out, and segment 0 counts as one segment there. Halving every true object costs 1 bit of split. Meilă
    2007, J. Multivariate Analysis 98:873.

    Raises
    ------
    ValueError
        If no pixel has a true object: the entropies are undefined.
    """
    counts, per_segment, per_truth = _overlaps(table)
    share = counts / counts.sum()
    split = -float(np.sum(share * np.log2(counts / per_truth)))
    merge = -float(np.sum(share * np.log2(counts / per_segment)))
    return max(split, 0.0), max(merge, 0.0)


def adapted_rand_error(table: Contingency) -> float:
    r"""Return 1 minus the F-score of pixel pairs, pixels whose truth is 0 left out.

    ``1 - 2 Σ p_ij (p_ij - 1) / (Σ s_i (s_i - 1) + Σ t_j (t_j - 1))`` with the overlaps p, the segment sizes s
    and the sizes t of the true objects, in pixels. Arganda-Carreras et al. 2015, Front. Neuroanat. 9:142.
    Where neither side joins two pixels the partitions are equal and the error is 0.

    Raises
    ------
    ValueError
        If no pixel has a true object.
    """
    counts, per_segment, per_truth = _overlaps(table)
    together = float(np.sum(counts * (counts - 1)))
    # per_segment repeats a segment's size for each of its overlaps: weighting by the overlap counts it once.
    in_segmentation = float(np.sum(counts * (per_segment - 1)))
    in_truth = float(np.sum(counts * (per_truth - 1)))
    if in_segmentation + in_truth == 0:
        return 0.0
    return 1.0 - 2.0 * together / (in_segmentation + in_truth)


def _overlaps(table: Contingency) -> tuple[Pixels, Pixels, Pixels]:
    """Return, for each pair with a true object: its pixels, its segment's and its object's, as float64."""
    inside = table.truths > 0
    if not inside.any():
        raise ValueError("no pixel has a true object: the partition scores are undefined")
    counts = table.counts[inside]
    segment_sizes, segment_index = sum_by_label(table.segments[inside], counts)
    truth_sizes, truth_index = sum_by_label(table.truths[inside], counts)
    sizes = (counts, segment_sizes[segment_index], truth_sizes[truth_index])
    return sizes[0].astype(np.float64), sizes[1].astype(np.float64), sizes[2].astype(np.float64)


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


@dataclass(frozen=True, slots=True)
class Scores:
    """The agreement of a segmentation with the truth.

    Parameters
    ----------
    vi, vi_split, vi_merge
        Variation of information in bits, its sum and its parts, over the pixels of true objects; 0 is
        perfect.
    arand
        Adapted Rand error over the pixels of true objects; 0 is perfect, 1 the worst.
    ap50, ap
        TP / (TP + FP + FN) at an intersection over union above 0.5, and its mean over 0.5, 0.55 … 0.95.
    f1_50
        F1 of the objects matched above 0.5.
    dice
        Dice of the foreground.
    n_true, n_predicted
        Number of objects in the truth and in the segmentation.
    """

    vi: float
    vi_split: float
    vi_merge: float
    arand: float
    ap50: float
    ap: float
    f1_50: float
    dice: float
    n_true: int
    n_predicted: int

    def as_dict(self) -> dict[str, float | int]:
        """Return the scores by name."""
        return asdict(self)


def partition_scores(table: Contingency) -> dict[str, float]:
    """Return vi, its parts and arand; the table holds a true object."""
    split, merge = variation_of_information(table)
    return {"vi": split + merge, "vi_split": split, "vi_merge": merge, "arand": adapted_rand_error(table)}


def object_scores(table: Contingency) -> dict[str, float]:
    """Return ap50, ap, f1_50 and dice; the table holds a true object or a segment."""
    precision, f1 = precision_and_f1(count_matches(table), table.n_true, table.n_predicted)
    return {
        "ap50": float(precision[0]),
        "ap": float(precision.mean()),
        "f1_50": float(f1[0]),
        "dice": foreground_dice(table),
    }


def mean_scores(tables: Sequence[Contingency]) -> Scores:
    """Return the mean of each score over the images in which it is defined, and the total numbers of objects.

    vi and arand are undefined in an image without a true object; ap, f1 and dice are undefined only where
    neither side has an object, so that segments found in an empty image count against the segmentation. One
    of the images holds a true object.
    """
    of_partition = [partition_scores(table) for table in tables if table.n_true]
    of_objects = [object_scores(table) for table in tables if table.n_true or table.n_predicted]
    means = {
        key: float(np.mean([row[key] for row in rows]))
        for rows in (of_partition, of_objects)
        for key in rows[0]
    }
    n_true = sum(table.n_true for table in tables)
    return Scores(**means, n_true=n_true, n_predicted=sum(table.n_predicted for table in tables))


def quality(structure: str | None, *, vi: float, ap: float) -> float:
    """Return what a structure is judged by, higher is better: minus VI for what fills the image, else AP."""
    return -vi if structure in FILLING_STRUCTURES else ap
