"""What an export is of, and how a format writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.process import available_bytes, require_memory
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume
from napari_graft.io.writers.file_kinds import FileKind
from napari_graft.io.writers.image_copy import block_grid
from napari_graft.project.project import Project

_SLAB_BYTES = 128 * 2**20
_HELD_BYTES = 2**31


@dataclass(frozen=True, slots=True)
class ExportTask:
    """What is exported, and how far that is.

    Parameters
    ----------
    found
        The objects: 0 background, 1… objects; None for a format of the project.
    image
        In which they were found, None where it is not at hand.
    project
        That they are of, None for a label image alone.
    run
        The run whose model is meant, None for the one in use.
    structure
        What the objects are, in a word.
    image_name
        What the file of the image is called, or where there is none that of the objects.
    report, cancel
        Progress, and the token that stops the work.
    """

    found: Volume | None = None
    image: Volume | None = None
    project: Project | None = None
    run: str | None = None
    structure: str = "object"
    image_name: str = ""
    report: Report = ignore_progress
    cancel: CancelToken = field(default_factory=CancelToken)

    @property
    def labels(self) -> Volume:
        """The objects.

        Raises
        ------
        InputError
            If there are none: the format did not ask for any.
        """
        if self.found is None:
            raise InputError("this format was given no objects: declare needs='objects'")
        return self.found

    def held(self) -> ExportTask:
        """Return the same with the pixels in memory, as far as a part of that suffices.

        For who reads object by object: each lies in many chunks, and each chunk has many objects.
        """
        image = None if self.image is None else hold(self.image)
        return replace(self, found=hold(self.labels), image=image)

    def step(self, done: int, total: int, message: str) -> None:
        """Tell how far it is, and stop where that was asked for."""
        self.cancel.raise_if_cancelled()
        self.report(Progress(done, total, message))

    def blocks(self, message: str) -> Iterator[Tile]:
        """Yield boxes that cover the objects, each of them of at most some 64 MB."""
        grid = block_grid(self.labels)
        for i, block in enumerate(grid):
            self.step(i, len(grid), message)
            yield block

    def slices(self, message: str) -> Iterator[NDArray[np.generic]]:
        """Yield the labels (y, x) of one slice after the other; of a 2-D image all of them.

        Several slices are read at once, for chunks are deep and would be unpacked for each of their slices.
        """
        shape = self.labels.shape
        plane, n_slices = shape[-2:], prod(shape[:-2])
        n_bytes = prod(plane) * np.dtype(self.labels.dtype).itemsize
        require_memory(4 * n_bytes, f"a slice of {self.labels.name}")
        depth = max(1, _SLAB_BYTES // n_bytes)
        for first in range(0, n_slices, depth):
            n = min(depth, n_slices - first)
            start, lengths = ((first,), (n,)) if len(shape) == 3 else ((), ())
            self.step(first, n_slices, message)
            slab = self.labels.read_raw(Tile((*start, 0, 0), (*lengths, *plane))).reshape(n, *plane)
            for i, one in enumerate(slab):
                self.step(first + i, n_slices, message)
                yield one


def hold(volume: Volume, *, is_required: bool = False) -> Volume:
    """Return a volume with its pixels in memory, itself where they would take too much of that.

    Raises
    ------
    InputError
        If that is required, and the memory does not suffice.
    """
    whole = Tile((0,) * len(volume.shape), volume.shape)
    n_bytes = prod(volume.data.shape) * np.dtype(volume.dtype).itemsize
    if is_required:
        require_memory(2 * n_bytes, volume.name)
    elif n_bytes > min(_HELD_BYTES, (available_bytes() or 0) // 4):
        return volume
    pixels = volume.read_raw(whole)
    return replace(volume, data=pixels, channel_axis=None if volume.channel_axis is None else pixels.ndim - 1)


Write = Callable[[ExportTask, Path], int | None]
"""Writes to a path that is free, and returns how many objects that were, None where it is of no objects."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """Format in which results leave the program.

    Parameters
    ----------
    write
        Writes the file, or for None as `kind` the zarr folder.
    endings
        How its name may end, the usual one first.
    kind
        Returns the kind of its files, by which an earlier one is known again; None for a zarr folder.
    needs
        ``objects`` of a segmentation, or the ``project``.
    reads_image
        Whether it takes pixels of the image, where that is at hand.
    """

    write: Write
    endings: tuple[str, ...]
    kind: Callable[[ExportTask], FileKind] | None
    needs: Literal["objects", "project"] = "objects"
    reads_image: bool = False
