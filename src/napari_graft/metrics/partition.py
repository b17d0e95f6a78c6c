"""Scores that compare two segmentations as partitions of the pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Contingency, sum_by_label

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
