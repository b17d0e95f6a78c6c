"""The objects of a label image that is being corrected: where each one is, and which are locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import rank
from napari_graft.proofreading.edit import Edit, Positions

_LARGEST_TABLE = 1 << 24
"""Highest label up to which a table with a row for each label is made."""


class ObjectMap:
    """Objects of a label image, each with its box, so that a tool reads no more than the objects it is for.

    Making it reads the image once, about a second for 512³ pixels. The tools read it and change nothing;
    `apply` alone changes the labels, in place.

    Parameters
    ----------
    labels
        (y, x) or (z, y, x), any integer type, held in memory whole. It is not copied.
    locked
        Ids of objects that no tool changes; the set may be changed later.
    first_object
        Labels below this are no objects: 1 for results, 2 for annotations, whose 1 is background.
    """

    def __init__(
        self, labels: NDArray[np.integer], *, locked: Iterable[int] = (), first_object: int = 1
    ) -> None:
        if labels.ndim not in (2, 3) or labels.dtype.kind not in "iu":
            raise InputError(f"labels of {labels.dtype} with {labels.ndim} axes: give 2 or 3, and integers")
        self.labels = labels
        self.locked = set(locked)
        self.first_object = first_object
        self._boxes = {one: box for one, box in _boxes(labels).items() if one >= first_object}
        self._loose: set[int] = set()  # whose boxes may be too large, or empty

    def ids(self) -> list[int]:
        """Return the ids of all objects, rising."""
        for one in list(self._loose):
            self._tighten(one)
        return sorted(self._boxes)

    def id_at(self, position: Sequence[int]) -> int | None:
        """Return the id of the object at a pixel, None where there is none."""
        if not _is_inside(position, self.labels.shape):
            return None
        found = int(self.labels[tuple(position)])
        return found if found >= self.first_object else None

    def box(self, object_id: int) -> Tile:
        """Return the smallest box that holds an object.

        Raises
        ------
        InputError
            If there is no such object.
        """
        self._tighten(object_id)
        if object_id not in self._boxes:
            raise InputError(f"no object is called {object_id}: choose one that is there")
        return self._boxes[object_id]

    def positions(self, object_id: int) -> Positions:
        """Return the pixels of an object, (n,) coordinates for each axis; errors as `box`."""
        box = self.box(object_id)
        found = np.nonzero(self.labels[box.slices] == object_id)
        return tuple(axis + start for axis, start in zip(found, box.start, strict=True))

    def is_free(self, box: Tile) -> NDArray[np.bool]:
        """Say for each pixel of a box whether it belongs to no object."""
        return np.asarray(self.labels[box.slices] < self.first_object)

    def new_ids(self, n: int) -> list[int]:
        """Return ids for `n` new objects, on from the highest id.

        Raises
        ------
        InputError
            If the type of the labels has no more.
        """
        highest = max(self._boxes, default=0)
        while highest and not self._tighten(highest):
            highest = max(self._boxes, default=0)
        first = max(highest + 1, self.first_object)
        if first + n - 1 > np.iinfo(self.labels.dtype).max:
            raise InputError(
                f"labels of {self.labels.dtype} have no id left above {highest}: convert them to uint32"
            )
        return list(range(first, first + n))

    def refuse_locked(self, ids: Iterable[int]) -> None:
        """Raise an `InputError` that names the first of some objects that is locked."""
        for one in ids:
            if one in self.locked:
                raise InputError(f"object {one} is locked: unlock it to change it")

    def edit(self, tool: str, box: Tile, after: NDArray[np.integer]) -> Edit:
        """Return the edit after which a box holds the labels `after`, (*box.shape).

        Raises
        ------
        InputError
            If it would change a locked object.
        """
        edit = Edit.from_regions(tool, box, self.labels[box.slices], after)
        self.refuse_locked(sorted(edit.ids))
        return edit

    def apply(self, edit: Edit) -> None:
        """Change the labels in place; locked objects as well, for that is how an edit is undone.

        Raises
        ------
        InputError
            As for `Edit.apply`.
        """
        edit.apply(self.labels)
        touched = {one for one in edit.ids if one >= self.first_object}
        for one in touched.intersection(edit.after.tolist()):
            known = self._boxes.get(one)
            self._boxes[one] = edit.box if known is None else _around(known, edit.box)
        self._loose |= touched

    def _tighten(self, object_id: int) -> bool:
        """Make the box of an object the smallest again; say whether there is such an object."""
        from scipy.ndimage import find_objects

        known = self._boxes.get(object_id)
        if known is not None and object_id in self._loose:
            (found,) = find_objects((self.labels[known.slices] == object_id).astype(np.uint8), 1)
            del self._boxes[object_id]
            if found is not None:
                self._boxes[object_id] = _as_tile(found).shift(known.start)
        self._loose.discard(object_id)
        return object_id in self._boxes


def _boxes(labels: NDArray[np.integer]) -> dict[int, Tile]:
    from scipy.ndimage import find_objects

    highest = int(labels.max(initial=0))
    if highest <= _LARGEST_TABLE:
        found = find_objects(labels, highest) if highest else []
        return {number: _as_tile(box) for number, box in enumerate(found, 1) if box is not None}
    values, index = rank(labels)
    found = find_objects(index.reshape(labels.shape) + 1)
    return {int(value): _as_tile(box) for value, box in zip(values, found, strict=True)}


def _as_tile(box: tuple[slice, ...]) -> Tile:
    return Tile(tuple(side.start for side in box), tuple(side.stop - side.start for side in box))


def _around(first: Tile, second: Tile) -> Tile:
    start = tuple(map(min, first.start, second.start))
    stop = tuple(map(max, first.stop, second.stop))
    return Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)))


def _is_inside(position: Sequence[int], shape: Sequence[int]) -> bool:
    return len(position) == len(shape) and all(0 <= at < n for at, n in zip(position, shape, strict=True))
