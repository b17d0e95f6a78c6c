"""Tools that need no affinities: merge, delete, fill holes, smooth, and fill and carry on through z.

Each returns an `Edit` and changes nothing; `ObjectMap.apply` does. They read no more than the objects' boxes,
take pixels only from the object itself and from what belongs to no object, and raise an `InputError` where an
object is locked or not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap


def merge(objects: ObjectMap, ids: Sequence[int]) -> Edit:
    """Join objects, which need not touch; all take the id of the first.

    Raises
    ------
    InputError
        If fewer than two different ones are given.
    """
    kept, *others = dict.fromkeys(ids) or [0]
    if not others:
        raise InputError(f"cannot merge the objects {list(ids)}: choose two or more different ones")
    objects.box(kept)
    objects.refuse_locked([kept])
    return _relabel("merge", objects, others, kept)


def delete(objects: ObjectMap, ids: Sequence[int], *, background: int = 0) -> Edit:
    """Remove objects; `background` is the label that their pixels get."""
    return _relabel("delete", objects, list(dict.fromkeys(ids)), background)


def _relabel(tool: str, objects: ObjectMap, ids: Sequence[int], label: int) -> Edit:
    objects.refuse_locked(ids)
    parts = [objects.positions(one) for one in ids]
    before = np.repeat(np.array(ids, np.uint64), [part[0].size for part in parts])
    positions = [np.concatenate(axis) for axis in zip(*parts, strict=True)]
    return Edit.from_pixels(tool, positions, before, label)


def fill_holes(objects: ObjectMap, object_id: int) -> Edit:
    """Give an object the pixels that it encloses and that belong to no object."""
    from scipy.ndimage import binary_fill_holes

    box = objects.box(object_id)
    before = objects.labels[box.slices]
    is_hole = binary_fill_holes(before == object_id) & objects.is_free(box)
    return objects.edit("fill holes", box, _painted(before, is_hole, object_id))


_REACH_IN_SIGMA = 4


def smooth(
    objects: ObjectMap, object_id: int, sigma: float | Sequence[float] = 1.0, *, background: int = 0
) -> Edit:
    """Round the outline of an object: what is more than half inside after blurring stays or comes in.

    Parameters
    ----------
    sigma
        Of the Gaussian, in pixels, one for all axes or one for each; it must be positive in one at least.
    background
        The label that pixels get which the object loses.

    Raises
    ------
    InputError
        If nothing of the object would be left.
    """
    from scipy.ndimage import gaussian_filter

    sigmas = np.broadcast_to(np.asarray(sigma, np.float64), objects.labels.ndim)
    if not (np.isfinite(sigmas).all() and sigmas.min() >= 0 and sigmas.max() > 0):
        raise InputError(f"cannot smooth by {sigma} pixels: give a positive number")
    reach = [int(np.ceil(_REACH_IN_SIGMA * one)) for one in sigmas]
    box = objects.box(object_id).grow(reach).clip(objects.labels.shape)
    before = objects.labels[box.slices]
    is_object = before == object_id
    is_inside = gaussian_filter(is_object.astype(np.float32), sigmas, truncate=_REACH_IN_SIGMA) > 0.5
    if not (is_inside & (is_object | objects.is_free(box))).any():
        raise InputError(
            f"object {object_id} is too thin to be smoothed by {sigma} pixels: smooth it by less"
        )
    after = _painted(before, is_object & ~is_inside, background)
    return objects.edit("smooth", box, _painted(after, is_inside & objects.is_free(box), object_id))


def interpolate(objects: ObjectMap, object_id: int) -> Edit:
    """Fill an object between the planes of z that it was painted on.

    The signed distances to the outlines of the two planes around a gap, shifted so that their centres lie on
    a straight line, are averaged by their nearness (Herman et al. 1992, IEEE CG&A 12(3):69). Pixels of other
    objects stay.

    Raises
    ------
    InputError
        If the image has no z, or there is no gap between two planes of the object.
    """
    _require_z(objects)
    box = objects.box(object_id)
    before = objects.labels[box.slices]
    after = before.copy()
    is_object, is_free = before == object_id, objects.is_free(box)
    planes = np.flatnonzero(is_object.any(axis=(1, 2)))
    gaps = [(a, b) for a, b in pairwise(planes) if b > a + 1]
    if not gaps:
        raise InputError(
            f"object {object_id} has no gap in z: paint it on two planes, and none or a few in between"
        )
    for first, last in gaps:
        for z in range(first + 1, last):
            share = (z - first) / (last - first)
            after[z][_between(is_object[first], is_object[last], share) & is_free[z]] = object_id
    return objects.edit("interpolate", box, after)


def carry_on(objects: ObjectMap, object_id: int, z: int, step: int = 1) -> Edit:
    """Copy the outline of an object from plane `z` to plane ``z + step``, where that is free.

    Raises
    ------
    InputError
        If the image has no z, the object is not on the plane, or there is no next one.
    """
    _require_z(objects)
    box = objects.box(object_id)
    if not 0 <= z + step < objects.labels.shape[0]:
        raise InputError(f"there is no plane z {z + step}: the image has {objects.labels.shape[0]}")
    _, rows, columns = box.slices
    is_there = box.start[0] <= z < box.stop[0] and objects.labels[z, rows, columns] == object_id
    if not np.any(is_there):
        raise InputError(f"object {object_id} is not on plane z {z}: choose a plane that it is on")
    target = Tile((z + step, *box.start[1:]), (1, *box.shape[1:]))
    before = objects.labels[target.slices]
    return objects.edit(
        "carry on", target, _painted(before, np.asarray(is_there)[None] & objects.is_free(target), object_id)
    )


def _require_z(objects: ObjectMap) -> None:
    if objects.labels.ndim != 3:
        raise InputError("a 2-D image has no planes to go through: open a stack")


def _painted(labels: NDArray[np.integer], where: NDArray[np.bool], label: int) -> NDArray[np.integer]:
    painted = labels.copy()
    painted[where] = label
    return painted


def _between(first: NDArray[np.bool], last: NDArray[np.bool], share: float) -> NDArray[np.bool]:
    """Return the outline at a share of the way between two, all (y, x)."""
    from scipy.ndimage import shift

    way = _centre(last) - _centre(first)
    margin = int(np.ceil(np.abs(way).max())) + 1
    total = np.zeros(tuple(n + 2 * margin for n in first.shape))
    for mask, weight, step in ((first, 1 - share, share * way), (last, share, (share - 1) * way)):
        total += weight * shift(_signed_distance(np.pad(mask, margin)), step, order=1, mode="nearest")
    return np.asarray(total[margin:-margin, margin:-margin] > 0)


def _centre(mask: NDArray[np.bool]) -> NDArray[np.float64]:
    return np.asarray(np.argwhere(mask).mean(axis=0))


def _signed_distance(mask: NDArray[np.bool]) -> NDArray[np.float64]:
    """Return the distance to the outline, positive inside."""
    from scipy.ndimage import distance_transform_edt

    return np.asarray(distance_transform_edt(mask) - distance_transform_edt(~mask))
