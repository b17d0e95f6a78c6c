"""Compare segmentations with what a person has painted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.labels import UNLABELLED, to_segments
from napari_graft.metrics.contingency import Contingency, pool, tabulate
from napari_graft.metrics.scores import Scores, mean_scores


def evaluate_annotated(
    segmentations: Sequence[NDArray[np.integer]], annotations: Sequence[NDArray[np.integer]]
) -> Scores | None:
    """Return the scores over several annotated tiles taken together, None where no object was painted.

    Unlabelled pixels count neither for nor against a segmentation: what it says there is not looked at. The
    overlaps of all tiles are pooled before scoring, so a tile weighs as much as it holds; objects of
    different tiles are different objects.

    Parameters
    ----------
    segmentations
        0 background, 1… objects, one array for each tile.
    annotations
        0 unlabelled, 1 background, 2… objects, of the same shapes.
    """
    pairs = zip(segmentations, annotations, strict=True)
    return pooled_scores([tabulate_annotated(*pair) for pair in pairs])


def tabulate_annotated(segmentation: NDArray[np.integer], annotation: NDArray[np.integer]) -> Contingency:
    """Count the overlaps on one annotated tile; see `evaluate_annotated` for the parameters."""
    return tabulate(np.where(annotation == UNLABELLED, 0, segmentation), to_segments(annotation))


def pooled_scores(tables: Sequence[Contingency]) -> Scores | None:
    """Return the scores over several tiles taken together, None where none holds a true object."""
    table = pool(tables)
    return mean_scores([table]) if table.n_true else None
