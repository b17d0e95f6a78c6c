"""Locked objects of one round in the result of the next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap

TOOL = "carry over"
"""Name of the edit."""
_LEAST_SHARE = 0.1
"""Of either object that an overlap must reach to be told of."""


@dataclass(frozen=True, slots=True)
class Collision:
    """Object of a new result that a locked object has taken a part of, and not most of it.

    Parameters
    ----------
    locked
        Id of the locked object in the new result.
    other
        Id of the object that lost pixels.
    n_pixels
        How many.
    position
        One of them.
    """

    locked: int
    other: int
    n_pixels: int
    position: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CarriedOver:
    """Edit that brings locked objects into a new result, and what came of it.

    Parameters
    ----------
    edit
        All of it, to be undone as one.
    ids
        New id of each locked object by its id before.
    collisions
        What to look at, the largest first.
    """

    edit: Edit
    ids: dict[int, int]
    collisions: tuple[Collision, ...]


def carry_over(objects: ObjectMap, previous: ObjectMap, ids: Iterable[int] | None = None) -> CarriedOver:
    """Bring objects, by default the locked ones, of the previous result into a new one, pixel by pixel.

    An object of the new result that lies mostly inside one of them is taken for the same, and gives way
    whole; others lose the pixels that they share with it.

    Parameters
    ----------
    objects
        The new result, on the grid of the previous one.
    previous
        The previous result.
    ids
        Its objects that are carried over, as far as they are there; the locked ones where None.

    Raises
    ------
    InputError
        If the shapes differ, or a locked object of the new result would change.
    """
    if objects.labels.shape != previous.labels.shape:
        raise InputError(
            f"results of shape {objects.labels.shape} and {previous.labels.shape} cannot be joined: use two "
            "of the same region"
        )
    wanted = sorted(set(previous.locked if ids is None else ids).intersection(previous.ids()))
    new_ids = dict(zip(wanted, objects.new_ids(len(wanted)), strict=True))
    pixels: list[NDArray[np.integer]] = [np.zeros((objects.labels.ndim, 0), np.intp)]
    after: list[NDArray[np.integer]] = [np.zeros(0, np.int64)]
    collisions: list[Collision] = []
    for one, new in new_ids.items():
        own = np.stack(previous.positions(one))
        for other, at in _under(objects, own):
            whole = np.stack(objects.positions(other))
            if 2 * at.shape[1] > whole.shape[1]:
                pixels.insert(0, whole)
                after.insert(0, np.zeros(whole.shape[1], np.int64))
            elif at.shape[1] >= _LEAST_SHARE * min(own.shape[1], whole.shape[1]):
                middle = tuple(at[:, at.shape[1] // 2].tolist())
                collisions.append(Collision(new, other, at.shape[1], middle))
        pixels.append(own)
        after.append(np.full(own.shape[1], new))
    where = tuple(np.concatenate(pixels, axis=1))
    edit = Edit.from_pixels(TOOL, where, objects.labels[where], np.concatenate(after))
    objects.refuse_locked(sorted(edit.ids))
    return CarriedOver(edit, new_ids, tuple(sorted(collisions, key=lambda one: -one.n_pixels)))


def _under(objects: ObjectMap, pixels: NDArray[np.integer]) -> list[tuple[int, NDArray[np.integer]]]:
    """Return the objects that hold some pixels, (ndim, n), each with those of them that it holds."""
    labels = objects.labels[tuple(pixels)]
    found = np.unique(labels[labels >= objects.first_object])
    return [(int(one), pixels[:, labels == one]) for one in found]
