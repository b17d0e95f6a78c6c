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
