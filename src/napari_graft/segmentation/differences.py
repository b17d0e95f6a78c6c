"""Say how a second segmentation of the same pixels treats the objects of a first: by object, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Indices, sum_by_label, tabulate
from napari_graft.segmentation.matching import best_overlaps

Segments = NDArray[np.uint32]
Kind = Literal["missed", "merged", "split", "changed"]

THRESHOLD = 0.5
"""Intersection over union from which on two objects count as the same."""


@dataclass(frozen=True, slots=True)
class ObjectDifference:
    """Description of one object of the first segmentation that the second does not find.

    Parameters
    ----------
    id
        In the first segmentation.
    kind
        ``"missed"``: more than half of it is background in the second. ``"merged"``: one object of the second
        holds more than half of it, and of another one as well. ``"split"``: two or more objects that lie
        mostly inside it make up at least half of it. ``"changed"``: none of these.
    iou
        Intersection over union with the most similar object of the second, 0 where none meets it.
    n_pixels
        Its size.
    position
        Pixel of the object that is nearest to its centre.
    """

    id: int
    kind: Kind
    iou: float
    n_pixels: int
    position: tuple[int, ...]


def object_differences(first: Segments, second: Segments) -> list[ObjectDifference]:
    """Return the objects of `first` whose best overlap in `second` is below `THRESHOLD`, the largest first.

    Parameters
    ----------
    first, second
        Objects in the same pixels, 0 background.
    """
    overlaps = {one: iou for one, iou in best_overlaps(first, second).items() if iou < THRESHOLD}
    if not overlaps:
        return []
    # scipy.ndimage takes 0.4 s to import: only who compares waits for it, not who opens the window.
    from scipy.ndimage import find_objects

    kinds = _kinds(first, second)
    boxes = find_objects(first)
    found = []
    for one, iou in overlaps.items():
        pixels = np.argwhere(first[boxes[one - 1]] == one)
        corner = [side.start for side in boxes[one - 1]]
        nearest = pixels[np.argmin(((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1))]
        position = tuple(int(at + start) for at, start in zip(nearest, corner, strict=True))
        found.append(ObjectDifference(one, kinds.get(one, "changed"), iou, len(pixels), position))
    return sorted(found, key=lambda one: (-one.n_pixels, one.id))


def _kinds(first: Segments, second: Segments) -> dict[int, Kind]:
    """Return how each object of the first fares, by its id; those that only change their shape have none."""
    table = tabulate(first, second)
    is_pair = (table.segments > 0) & (table.truths > 0)
    size_of_first, of_first = sum_by_label(table.segments, table.counts)
    size_of_second, of_second = sum_by_label(table.truths, table.counts)
    share_of_first = table.counts / size_of_first[of_first]
    holds = is_pair & (share_of_first > 0.5)
    is_merged = holds & (_count(holds, of_second)[of_second] >= 2)
    is_piece = is_pair & (table.counts / size_of_second[of_second] > 0.5)
    in_pieces = np.bincount(of_first, np.where(is_piece, table.counts, 0))
    is_split = (_count(is_piece, of_first) >= 2) & (2 * in_pieces >= size_of_first)
    is_missed = (table.segments > 0) & (table.truths == 0) & (share_of_first > 0.5)
    kinds: dict[int, Kind] = {}
    # What comes later counts more.
    kinds |= {int(one): "split" for one in table.segments[is_split[of_first] & is_pair]}
    kinds |= {int(one): "merged" for one in table.segments[is_merged]}
    kinds |= {int(one): "missed" for one in table.segments[is_missed]}
    return kinds


def _count(is_counted: NDArray[np.bool_], index: Indices) -> Indices:
    return np.bincount(index, is_counted).astype(np.int64)
