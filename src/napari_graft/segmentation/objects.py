"""Objects of segmentations: how wide they are, and how those of two segmentations match and differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_graft.metrics.contingency import Indices, Labels, sum_by_label, tabulate


def median_diameter(segments: NDArray[np.integer]) -> float | None:
    """Return the usual diameter of objects within a plane, in pixels; None where there is no object.

    See `usual_diameter`. In a stack each plane of an object counts for itself.

    Parameters
    ----------
    segments
        0 background, 1… objects, (y, x) or (z, y, x).
    """
    return usual_diameter(object_diameters(segments))


def object_diameters(segments: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the diameter of each object in each plane: that of a disk of its area, ``2 sqrt(area / π)``."""
    planes = segments.reshape(-1, *segments.shape[-2:])
    areas = np.concatenate([np.unique(plane[plane > 0], return_counts=True)[1] for plane in planes])
    return np.asarray(2 * np.sqrt(areas / np.pi))


def usual_diameter(diameters: NDArray[np.float64]) -> float | None:
    """Return the median of diameters, in which each object counts as much as it is wide; None of none.

    Debris and pieces of objects are narrow and may be many: in a plain median they would count as much as
    what they lie beside.
    """
    if not diameters.size:
        return None
    ordered = np.sort(diameters)
    share = np.cumsum(ordered)
    return float(ordered[np.searchsorted(share, share[-1] / 2)])


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
