"""Compare segmentations with the truth, or with what a person has painted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.labels import UNLABELLED, to_segments
from napari_graft.metrics.contingency import Contingency, pool, tabulate
from napari_graft.metrics.scores import Scores, mean_scores


def evaluate(
    segmentation: NDArray[np.integer | np.bool],
    truth: NDArray[np.integer | np.bool],
    *,
    per_slice: bool = False,
) -> Scores:
    """Return the scores of a segmentation; both label images are held in memory whole.

    Parameters
    ----------
    segmentation, truth
        Label images of one shape, integers, 0 is background. Pixels whose truth is 0 are ignored by vi and
        arand.
    per_slice
        Treat (Z, Y, X) slice by slice, as independent images, and return the mean. A slice without a true
        object has no vi and no arand and is left out of their mean; its segments still count as false in ap,
        f1 and dice. A slice without any object on either side is left out of all means. n_true and
        n_predicted are totals.

    Raises
    ------
    InputError
        If the shapes differ, a label image does not hold non-negative integers, the truth holds no object, or
        `per_slice` is asked for images that are not (Z, Y, X).

    Examples
    --------
    >>> truth = np.array([[1, 1, 2, 2]])
    >>> evaluate(np.array([[1, 3, 2, 2]]), truth).vi_split
    0.5
    """
    _check_labels(segmentation, "segmentation")
    _check_labels(truth, "truth")
    if segmentation.shape != truth.shape:
        raise InputError(
            f"segmentation of shape {segmentation.shape} and truth of shape {truth.shape} differ: "
            "give two label images of the same region"
        )
    if per_slice and truth.ndim != 3:
        raise InputError(
            f"shape {truth.shape} has no slices: per-slice evaluation needs (Z, Y, X) label images"
        )
    if not truth.any():
        raise InputError(
            "the truth holds no object, all its pixels are 0: there is nothing to evaluate against"
        )
    if per_slice:
        return mean_scores([tabulate(s, t) for s, t in zip(segmentation, truth, strict=True)])
    return mean_scores([tabulate(segmentation, truth)])


def _check_labels(labels: NDArray[np.integer | np.bool], name: str) -> None:
    if labels.dtype.kind not in "uib":
        raise InputError(f"{name} has values of type {labels.dtype}: give a label image of integers")
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise InputError(
            f"{name} holds the negative label {labels.min()}: labels are 0 (background) or positive"
        )


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
