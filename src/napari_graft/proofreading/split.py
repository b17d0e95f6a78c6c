"""Cut an object into the parts that a person points at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.affinity_map import AffinityMap, Borders
from napari_graft.proofreading.cut import Hierarchy
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap

_COMPACTNESS = 0.3
"""Pixels of depth that a pixel of distance from a seed counts as, where there are no affinities."""

_TIE = 0.05
"""Mean affinities that differ by less do not say to which part a basin belongs; the longer border does."""
_MOST_ROUNDS = 5


def split(
    objects: ObjectMap, object_id: int, seeds: Sequence[ArrayLike], affinities: AffinityMap | None = None
) -> Edit:
    """Cut an object into as many parts as there are seeds; the first keeps the id.

    The basins of the object (`AffinityMap.basins`) are merged by their mean affinity, the strongest first,
    but never those of two seeds (`Hierarchy.parts`): a gap in a border that a watershed would leak through
    does not count for more than the rest of it. Where a basin is bound to two parts about as strongly, it
    goes to the one that it meets along the longer border. Where two seeds lie in one basin, or there are no
    affinities, it is a watershed from the seeds, on the borders that the affinities see
    (`AffinityMap.boundary`) or on the distance to the outline. Pieces that touch no piece with a seed go to
    the nearest part.

    Parameters
    ----------
    seeds
        For each part the pixels of a click or a scribble, (n, ndim) integers in the image. Those outside the
        object are passed over.
    affinities
        They must cover the object (`ObjectMap.box`).

    Raises
    ------
    InputError
        If there are fewer than two seeds, one has no pixel in the object, two share a pixel, or the object is
        locked or not there.
    """
    objects.refuse_locked([object_id])
    if len(seeds) < 2:
        raise InputError(f"one place in object {object_id} is no cut: click in each part, in two at least")
    box = objects.box(object_id)
    before = objects.labels[box.slices]
    mask = before == object_id
    markers = np.zeros(mask.shape, np.int32)
    for number, seed in enumerate(seeds, 1):
        _mark(markers, mask, seed, box, number, object_id)
    parts = _parts(markers, mask, None if affinities is None else affinities.crop(box))
    ids = np.array([object_id, *objects.new_ids(len(seeds) - 1)], before.dtype)
    after = before.copy()
    after[mask] = ids[parts[mask] - 1]
    return objects.edit("split", box, after)


def parts_from(
    heights: NDArray[np.floating], markers: NDArray[np.int32], mask: NDArray[np.bool], compactness: float = 0
) -> NDArray[np.int32]:
    """Return which marker each pixel of a mask belongs to, 0 outside; all of one shape.

    The watershed is that of Neubert and Protzel (2014, ICPR): with `compactness` each pixel of distance from
    the marker counts as so much height, so that a marker on a slope gets its share.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import watershed

    parts: NDArray[np.int32] = watershed(heights, markers, mask=mask, compactness=compactness)
    left = mask & (parts == 0)
    if left.any():
        nearest = distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
        parts[left] = parts[tuple(axis[left] for axis in nearest)]
    return parts


def _parts(
    markers: NDArray[np.int32], mask: NDArray[np.bool], affinities: AffinityMap | None
) -> NDArray[np.int32]:
    from scipy.ndimage import distance_transform_edt

    if affinities is not None:
        grown = _agglomerated(markers, mask, affinities)
        return parts_from(affinities.boundary(), markers if grown is None else grown, mask)
    inside = (slice(1, -1),) * mask.ndim
    depth = distance_transform_edt(np.pad(mask, 1))[inside]
    return parts_from(-depth, markers, mask, _COMPACTNESS)


def _agglomerated(
    markers: NDArray[np.int32], mask: NDArray[np.bool], affinities: AffinityMap
) -> NDArray[np.int32] | None:
    """Return the parts that the basins of a mask make up, 0 where none; None where seeds share a basin."""
    from scipy.ndimage import label

    basins = affinities.basins(mask)
    at = np.nonzero(markers)
    known = {(int(basin), int(part)) for basin, part in zip(basins[at], markers[at], strict=True)}
    seeds = dict(known)
    if len(seeds) < len(known):
        return None
    borders = affinities.borders(basins)
    part_of = Hierarchy(borders, np.bincount(basins.reshape(-1))).parts(seeds)
    _settle_ties(part_of, borders, seeds)
    parts = np.where(mask, part_of[basins], 0).astype(np.int32)
    # Long affinities may join basins that do not touch: these go to whatever is around them.
    for number in set(seeds.values()):
        pieces = label(parts == number)[0]
        parts[(pieces > 0) & ~np.isin(pieces, pieces[markers == number])] = 0
    return parts


def _settle_ties(part_of: NDArray[np.int32], borders: Borders, seeds: Mapping[int, int]) -> None:
    """Give basins that are bound to two parts about as strongly to that with the longer border, in place.

    Moves of single basins as of Kernighan and Lin (1970, BSTJ 49:291); those with a seed stay.
    """
    for _ in range(_MOST_ROUNDS):
        before = part_of.copy()
        for basin, bonds in _bonds_between_parts(part_of, borders):
            if basin not in seeds:
                part_of[basin] = _strongest_part(bonds, part_of, int(part_of[basin]))
        if np.array_equal(before, part_of):
            return


def _bonds_between_parts(
    part_of: NDArray[np.int32], borders: Borders
) -> list[tuple[int, list[tuple[int, float, int]]]]:
    """Return the basins that meet another part than their own, rising, and what each is bound to."""
    ends = part_of[borders.pairs]
    meets = borders.pairs[(ends[:, 0] != ends[:, 1]) & (ends > 0).all(axis=1)]
    asked = np.zeros(part_of.size, bool)
    asked[meets] = True
    near = borders.select(asked[borders.pairs[:, 0]] | asked[borders.pairs[:, 1]])
    bonds: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    sums = (near.affinity * near.counts).tolist()
    for (a, b), total, count in zip(near.pairs.tolist(), sums, near.counts.tolist(), strict=True):
        bonds[a].append((b, total, count))
        bonds[b].append((a, total, count))
    return [(basin, bonds[basin]) for basin in np.flatnonzero(asked).tolist()]


def _strongest_part(bonds: list[tuple[int, float, int]], part_of: NDArray[np.int32], own: int) -> int:
    """Return of the parts whose mean affinity is among the largest the one with the largest sum."""
    totals: dict[int, tuple[float, int]] = {}
    for other, total, count in bonds:
        if part := int(part_of[other]):
            before = totals.get(part, (0.0, 0))
            totals[part] = before[0] + total, before[1] + count
    best = max((total / count for total, count in totals.values()), default=0.0)
    tied = {part: total for part, (total, count) in totals.items() if total / count >= best - _TIE}
    return max(tied, key=lambda part: (tied[part], part == own), default=own)


def _mark(
    markers: NDArray[np.int32], mask: NDArray[np.bool], seed: ArrayLike, box: Tile, number: int, name: int
) -> None:
    pixels = np.asarray(seed, np.int64).reshape(-1, mask.ndim) - box.start
    pixels = pixels[((pixels >= 0) & (pixels < mask.shape)).all(axis=1)]
    index = tuple(pixels[mask[tuple(pixels.T)]].T)
    if index[0].size == 0:
        raise InputError(f"seed {number} has no pixel in object {name}: click or draw inside it")
    if markers[index].any():
        raise InputError(f"seed {number} crosses another one in object {name}: keep them apart")
    markers[index] = number
