"""The two label conventions: what a person paints, and what a segmentation holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNLABELLED = 0
BACKGROUND = 1
FIRST_OBJECT = 2


def to_annotation(segments: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Turn a segmentation (0 background, 1… objects) into a whole annotation (1 background, 2… objects)."""
    return (segments.astype(np.uint32)) + np.uint32(BACKGROUND)


def to_segments(annotation: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Turn an annotation into a segmentation; unlabelled pixels become background."""
    return np.where(annotation >= FIRST_OBJECT, annotation - BACKGROUND, 0).astype(np.uint32)


def painted_only(labels: NDArray[np.uint32], begun: NDArray[np.uint32] | None) -> NDArray[np.uint32]:
    """Return labels without the pixels that are still as they were when the painting began.

    Parameters
    ----------
    begun
        What a model had put there before anybody painted, None where it had put nothing.
    """
    return labels.copy() if begun is None else np.where(labels == begun, np.uint32(UNLABELLED), labels)


def with_other_objects(labels: NDArray[np.uint32], used: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return labels whose objects have numbers that `used` has not, in the same order; the rest stays.

    >>> with_other_objects(np.array([0, 1, 2, 3], np.uint32), np.array([1, 2, 4], np.uint32))
    array([0, 1, 3, 5], dtype=uint32)
    """
    objects, places = np.unique(labels, return_inverse=True)
    is_object = objects >= FIRST_OBJECT
    taken = np.unique(used)
    n_wanted = int(is_object.sum())
    free = np.setdiff1d(np.arange(FIRST_OBJECT, FIRST_OBJECT + n_wanted + len(taken)), taken)
    numbers = objects.copy()
    numbers[is_object] = free[:n_wanted]
    return numbers[places].reshape(labels.shape)


def unused_object(*labels: NDArray[np.uint32]) -> int:
    """Return the number of a new object: behind all that are used, or the first free one where none is."""
    highest = max((int(one.max(initial=0)) for one in labels), default=0)
    if highest < np.iinfo(np.uint32).max:
        return max(highest + 1, FIRST_OBJECT)
    used = np.unique(np.concatenate([one.ravel() for one in labels]))
    return int(np.setdiff1d(np.arange(FIRST_OBJECT, FIRST_OBJECT + len(used) + 1), used)[0])
