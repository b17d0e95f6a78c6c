"""Which segment belongs to which true object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Overlap table of segments and true objects, both with dense labels.

    Attributes
    ----------
    table
        Pixels of segment i and object j at (i, j); row and column 0 are background.
    """

    table: NDArray[np.int64]

    @property
    def object_of(self) -> NDArray[np.intp]:
        """For each segment, the object that fills most of it; 0 where more than half is background."""
        return _largest_partner(self.table)

    @property
    def segment_of(self) -> NDArray[np.intp]:
        """For each object, the segment that fills most of it; 0 where more than half is background."""
        return _largest_partner(self.table.T)

    def partners(self) -> dict[int, int]:
        """Return object by segment for those that are each the largest of the other's objects.

        A segment belongs to the object that fills most of its coloured part; of several segments of one
        object the largest gets it.
        """
        shared = self.table[1:, 1:]
        if shared.size == 0:
            return {}
        best_object = shared.argmax(axis=1)
        best_segment = np.where(np.arange(shared.shape[1]) == best_object[:, np.newaxis], shared, -1).argmax(
            axis=0
        )
        return {
            int(segment) + 1: j + 1
            for j, segment in enumerate(best_segment)
            if best_object[segment] == j and shared[segment, j] > 0
        }


def _largest_partner(table: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the column with most pixels of each row, 0 only where it has more than half of them."""
    shared = table[:, 1:]
    best = shared.argmax(axis=1) + 1 if shared.shape[1] else np.zeros(len(table), np.intp)
    return np.where((2 * table[:, 0] > table.sum(axis=1)) | ~shared.any(axis=1), 0, best)


def dense(labels: Labels) -> NDArray[np.int64]:
    """Return the labels numbered 1… in rising order; background stays 0."""
    names, index = np.unique(labels, return_inverse=True)
    return index.reshape(labels.shape) + (0 if names.size and names[0] == 0 else 1)


def overlap_of(segments: NDArray[np.int64], truth: NDArray[np.int64]) -> Overlap:
    """Return the overlap of two dense label images of one shape."""
    n_segments, n_objects = int(segments.max()) + 1, int(truth.max()) + 1
    pairs = np.bincount((segments * n_objects + truth).ravel(), minlength=n_segments * n_objects)
    return Overlap(pairs.reshape(n_segments, n_objects))
