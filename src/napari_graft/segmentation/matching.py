"""Recognise the objects of one segmentation in another of the same pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Indices, Labels, sum_by_label, tabulate

Segments = NDArray[np.uint32]


class _Pairs(NamedTuple):
    """Objects that meet, most alike first; of equals the one with the lower ids."""

    first: Indices
    second: Indices
    iou: NDArray[np.float64]


def best_overlaps(first: Segments, second: Segments) -> dict[int, float]:
    """Return for each object of `first` how well the most similar object of `second` covers it.

    Parameters
    ----------
    first, second
        Objects in the same pixels, 0 background.

    Returns
    -------
    overlaps
        Intersection over union by the id in `first`, in rising order; 0 where no object of `second` is.
    """
    best = dict.fromkeys((int(value) for value in np.unique(first[first > 0])), 0.0)
    pairs = _pairs(first, second)
    objects, at = np.unique(pairs.first, return_index=True)
    return best | {int(one): float(pairs.iou[i]) for one, i in zip(objects, at, strict=True)}


def match_ids(reference: Segments, segments: Segments, highest: int) -> Segments:
    """Return `segments` with the ids that their objects have in `reference`, as far as they are found there.

    An object takes the id of one in `reference` where each is the most similar to the other, by intersection
    over union. All others are numbered on from `highest`, the highest id in use. The background stays 0.
    """
    pairs = _pairs(reference, segments)
    is_best_of_first, is_best_of_second = _is_first(pairs.first), _is_first(pairs.second)
    is_match = is_best_of_first & is_best_of_second
    ids = np.unique(segments)
    new_ids = np.zeros(int(ids.max(initial=0)) + 1, np.uint32)
    new_ids[pairs.second[is_match]] = pairs.first[is_match]
    others = ids[(ids > 0) & (new_ids[ids] == 0)]
    new_ids[others] = np.arange(highest + 1, highest + 1 + others.size)
    return np.asarray(new_ids[segments])


def _pairs(first: Segments, second: Segments) -> _Pairs:
    table = tabulate(first, second)
    union = _size(table.segments, table.counts) + _size(table.truths, table.counts) - table.counts
    is_kept = (table.segments > 0) & (table.truths > 0)
    a, b = table.segments[is_kept].astype(np.int64), table.truths[is_kept].astype(np.int64)
    iou = table.counts[is_kept] / union[is_kept]
    order = np.lexsort((b, a, -iou))
    return _Pairs(a[order], b[order], iou[order])


def _size(labels: Labels, counts: Indices) -> Indices:
    sizes, index = sum_by_label(labels, counts)
    return sizes[index]


def _is_first(values: Indices) -> NDArray[np.bool_]:
    is_first = np.zeros(values.size, np.bool_)
    is_first[np.unique(values, return_index=True)[1]] = True
    return is_first
