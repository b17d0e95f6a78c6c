"""Where each object of a segmentation is, and which touch, found block by block; files of their shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.process import require_memory
from napari_graft.core.tile import Tile
from napari_graft.io.atomic import storage_errors
from napari_graft.io.writers.file_kinds import NAME, FileKind, head_of, is_text, program_name
from napari_graft.segmentation.measurements import touching_pairs, unit_of
from napari_graft.session.exporting.task import ExportTask

_BYTES_PER_PIXEL = 24
"""Of the box of an object while it is measured: its labels, a mask, and the coordinates within."""


@dataclass(frozen=True, slots=True)
class FoundObjects:
    """The objects of a segmentation.

    Parameters
    ----------
    boxes
        The smallest box around each, by id, in rising order.
    pairs
        Those that touch, the lower id first.
    """

    boxes: dict[int, Tile] = field(default_factory=dict)
    pairs: set[tuple[int, int]] = field(default_factory=set)

    @property
    def n_neighbours(self) -> Counter[int]:
        """How many others each touches, by id."""
        return Counter(one for pair in self.pairs for one in pair)


def find_objects(task: ExportTask, *, with_pairs: bool = False) -> FoundObjects:
    """Return where the objects are; no more than a block is in memory.

    Parameters
    ----------
    with_pairs
        Whether to look for those that touch as well.
    """
    labels, boxes, pairs = task.labels, dict[int, Tile](), set[tuple[int, int]]()
    for block in task.blocks("finding the objects"):
        # One pixel further, for what touches across the border of two blocks.
        reached = Tile(block.start, tuple(n + 1 for n in block.shape)).clip(labels.shape)
        found = labels.read_raw(reached)
        for one, box in boxes_in(found):
            moved = box.shift(block.start)
            boxes[one] = moved if one not in boxes else _around(boxes[one], moved)
        if with_pairs:
            pairs |= touching_pairs(found.astype(np.uint32, copy=False))
    return FoundObjects(dict(sorted(boxes.items())), pairs)


def boxes_in(labels: NDArray[np.generic]) -> Iterator[tuple[int, Tile]]:
    """Yield the id of each object in an array and the smallest box around it, in rising order."""
    from scipy import ndimage

    ids, compact = np.unique(labels, return_inverse=True)
    first = int(ids[0] == 0)  # ids may be anything up to 2³²: a table as long as the largest would not fit
    slices = ndimage.find_objects(compact.reshape(labels.shape).astype(np.int32) + (1 - first))
    for one, found in zip(ids[first:].tolist(), slices, strict=True):
        start = tuple(part.start for part in found)
        yield one, Tile(start, tuple(part.stop - part.start for part in found))


def each_object(
    task: ExportTask, found: FoundObjects, message: str
) -> Iterator[tuple[int, Tile, NDArray[np.bool_]]]:
    """Yield the id of each object, its box, and which pixels of the box belong to it."""
    for i, (one, box) in enumerate(found.boxes.items()):
        task.step(i, len(found.boxes), message)
        words = f"object {one}, which reaches over {' × '.join(map(str, box.shape))} pixels,"
        require_memory(_BYTES_PER_PIXEL * box.n_pixels, words)
        yield one, box, np.asarray(task.labels.read_raw(box) == one)


Lines = Callable[[int, Tile, NDArray[np.bool_], int], tuple[str, int]]
"""Returns the lines of an object and how many points they name, of its id, its box, which pixels of the box
belong to it, and how many points were named before."""


def write_shapes(task: ExportTask, out: Path, lines: Lines, *, message: str, head: str = "") -> int:
    """Write the shapes of 3-D objects one after the other, below the program and the unit of the pixel size.

    Parameters
    ----------
    message
        What is done with each object, in words.
    head
        Further comments at the beginning of the file.

    Returns
    -------
    int
        How many objects that were.
    """
    task = task.held()
    found, n_before = find_objects(task), 0
    with storage_errors(out), out.open("w", encoding="utf-8") as file:
        file.write(f"# {program_name()}\n# unit: {unit_of(task.labels.axes)}\n{head}")
        for one, box, pixels in each_object(task, found, message):
            written, n_points = lines(one, box, pixels, n_before)
            file.write(written)
            n_before += n_points
    return len(found.boxes)


def shape_kind(name: str) -> FileKind:
    """Return the kind of the files of `write_shapes`, called for instance "a file of surfaces"."""
    return FileKind(name, _is_ours, is_text)


def _is_ours(path: Path) -> bool:
    return head_of(path).startswith((f"# {NAME} ".encode(), f"# {NAME}\n".encode()))


def _around(first: Tile, second: Tile) -> Tile:
    start = tuple(map(min, first.start, second.start))
    stop = tuple(map(max, first.stop, second.stop))
    return Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)))
