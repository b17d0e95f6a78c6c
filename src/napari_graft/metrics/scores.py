"""All scores of one segmentation against its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from napari_graft.metrics.contingency import Contingency
from napari_graft.metrics.matching import count_matches, foreground_dice, precision_and_f1
from napari_graft.metrics.partition import adapted_rand_error, variation_of_information
from napari_graft.sources.card import FILLING_STRUCTURES


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
