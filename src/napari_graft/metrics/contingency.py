"""The table of overlaps between the objects of a segmentation and those of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint64]
Indices = NDArray[np.int64]

_SMALL = 1 << 16


@dataclass(frozen=True, slots=True)
class Contingency:
    """Contingency table of segments and true objects, of the pairs that meet only.

    Parameters
    ----------
    segments, truths
        Label of the pair in the segmentation and in the truth, (n_pairs,); 0 is background in both.
    counts
        Pixels of the pair, (n_pairs,), each at least 1.
    """

    segments: Labels
    truths: Labels
    counts: Indices

    @property
    def n_true(self) -> int:
        """Number of true objects."""
        return int(np.count_nonzero(np.unique(self.truths)))

    @property
    def n_predicted(self) -> int:
        """Number of segments."""
        return int(np.count_nonzero(np.unique(self.segments)))


def tabulate(
    segmentation: NDArray[np.integer | np.bool], truth: NDArray[np.integer | np.bool]
) -> Contingency:
    """Count the overlaps of two label images of one shape, held in memory whole, labels non-negative.

    Neighbouring pixels mostly share their pair of labels, so the pixels are first gathered into runs, and a
    stack of 20 million pixels takes a fraction of a second.
    """
    segments, truths = segmentation.reshape(-1), truth.reshape(-1)
    is_start = np.ones(segments.size, bool)
    is_start[1:] = (segments[1:] != segments[:-1]) | (truths[1:] != truths[:-1])
    starts = np.flatnonzero(is_start)
    lengths = np.diff(starts, append=segments.size)
    segment_ids, segment_index = rank(segments[starts])
    truth_ids, truth_index = rank(truths[starts])
    pairs, pair_index = rank(segment_index * truth_ids.size + truth_index)
    segment_of_pair, truth_of_pair = np.divmod(pairs, max(truth_ids.size, 1))
    counts = np.bincount(pair_index, lengths).astype(np.int64)
    return Contingency(segment_ids[segment_of_pair], truth_ids[truth_of_pair], counts)


def pool(tables: Sequence[Contingency]) -> Contingency:
    """Join the tables of several images into one, as if the images lay side by side.

    Objects of different images stay different objects even where their labels are equal.
    """
    segments: list[Indices] = []
    truths: list[Indices] = []
    n_segments = n_truths = 0
    for table in tables:
        segment_rank, truth_rank = _rank_objects(table.segments), _rank_objects(table.truths)
        segments.append(np.where(segment_rank > 0, segment_rank + n_segments, 0))
        truths.append(np.where(truth_rank > 0, truth_rank + n_truths, 0))
        n_segments, n_truths = n_segments + table.n_predicted, n_truths + table.n_true
    return Contingency(
        np.concatenate([*segments, np.zeros(0, np.int64)]).astype(np.uint64),
        np.concatenate([*truths, np.zeros(0, np.int64)]).astype(np.uint64),
        np.concatenate([*(table.counts for table in tables), np.zeros(0, np.int64)]),
    )


def sum_by_label(labels: Labels, values: Indices) -> tuple[Indices, Indices]:
    """Return the sum of `values` of each different label, and for each entry the index of its label's sum."""
    _, index = rank(labels)
    return np.bincount(index, values).astype(np.int64), index


def rank(values: NDArray[np.integer | np.bool]) -> tuple[Labels, Indices]:
    """Return the different values in rising order, and for each entry the index of its value.

    It does what `numpy.unique` does, by a table instead of a sort where the non-negative values are not
    much larger than their number.
    """
    if values.size == 0 or values.max() >= max(_SMALL, 4 * values.size):
        different, index = np.unique(values.astype(np.uint64), return_inverse=True)
        return different, index.astype(np.int64)
    is_present = np.zeros(int(values.max()) + 1, bool)
    is_present[values.astype(np.intp)] = True
    index = (np.cumsum(is_present) - 1)[values.astype(np.intp)]
    return np.flatnonzero(is_present).astype(np.uint64), index


def _rank_objects(labels: Labels) -> Indices:
    """Give the objects the numbers 1… in the order of their labels; background stays 0."""
    different, index = rank(labels)
    has_background = different.size > 0 and different[0] == 0
    return index if has_background else index + 1
