"""A change of labels that knows its inverse; its size follows the changed pixels, not the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile

Positions = Sequence[NDArray[np.integer]]
"""Pixels as `numpy.nonzero` returns them: for each axis an array of coordinates."""


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Change of labels, as runs of pixels that change from one label to another.

    Parameters
    ----------
    tool
        Name of the tool that made it.
    box
        The smallest box that holds all changed pixels; of an edit that changes nothing, the first pixel.
    starts, lengths
        The runs, (n,) int64 each: the flat index in the box of the first pixel, rising, and how many pixels.
    before, after
        Label of each run before and after the edit, (n,) uint64 each.
    """

    tool: str
    box: Tile
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    before: NDArray[np.uint64]
    after: NDArray[np.uint64]

    @classmethod
    def from_pixels(
        cls,
        tool: str,
        positions: Positions,
        before: NDArray[np.integer],
        after: NDArray[np.integer] | int,
    ) -> Edit:
        """Return the edit that gives pixels new labels.

        Parameters
        ----------
        positions
            (n,) for each axis, in any order. Where a pixel comes several times, as in a stroke that crosses
            itself, its first label before and its last label after count.
        before, after
            (n,) labels, or one label for all.
        """
        corner = tuple(int(axis.min()) if axis.size else 0 for axis in positions)
        stop = tuple(int(axis.max()) + 1 if axis.size else 1 for axis in positions)
        box = Tile(corner, tuple(b - a for a, b in zip(corner, stop, strict=True)))
        inside = tuple(axis - a for axis, a in zip(positions, corner, strict=True))
        pixels = np.asarray(np.ravel_multi_index(inside, box.shape), np.int64)
        old = np.asarray(before).astype(np.uint64)
        new = np.broadcast_to(np.asarray(after), pixels.shape).astype(np.uint64)
        if np.any(pixels[1:] <= pixels[:-1]):
            order = np.argsort(pixels, kind="stable")
            pixels, old, new = pixels[order], old[order], new[order]
            differs = pixels[1:] != pixels[:-1]
            is_first, is_last = np.append(True, differs), np.append(differs, True)
            pixels, old, new = pixels[is_first], old[is_first], new[is_last]
        is_changed = old != new
        if not is_changed.all():
            kept = tuple(np.asarray(axis)[is_changed] for axis in np.unravel_index(pixels, box.shape))
            there = [axis + a for axis, a in zip(kept, corner, strict=True)]
            return cls.from_pixels(tool, there, old[is_changed], new[is_changed])
        return cls(tool, box, *_runs(pixels, old, new))

    @classmethod
    def from_regions(
        cls, tool: str, box: Tile, before: NDArray[np.integer], after: NDArray[np.integer]
    ) -> Edit:
        """Return the edit that leads from one state of the pixels of a box to another, (*box.shape) both."""
        changed = np.nonzero(before != after)
        positions = [axis + start for axis, start in zip(changed, box.start, strict=True)]
        return cls.from_pixels(tool, positions, before[changed], after[changed])

    @property
    def n_pixels(self) -> int:
        """Number of pixels that change; 0 where there is nothing to do."""
        return int(self.lengths.sum())

    @property
    def ids(self) -> frozenset[int]:
        """Labels that lose or gain a pixel, the background among them."""
        return frozenset(np.concatenate([self.before, self.after]).tolist())

    def positions(self) -> tuple[NDArray[np.int64], ...]:
        """Return the changed pixels, (n_pixels,) coordinates in the image for each axis."""
        ends = np.cumsum(self.lengths)
        pixels = np.arange(self.n_pixels) + np.repeat(self.starts - ends + self.lengths, self.lengths)
        inside = np.unravel_index(pixels, self.box.shape)
        return tuple(axis + start for axis, start in zip(inside, self.box.start, strict=True))

    def apply(self, labels: NDArray[np.integer]) -> None:
        """Change labels in place.

        Parameters
        ----------
        labels
            Of the whole image that the edit was made on, any integer type.

        Raises
        ------
        InputError
            If they are not as they were when the edit was made, or of a type too small for a new label.
        """
        if not self.box.is_inside(labels.shape):
            raise InputError(
                f"an edit at {self.box.start} of shape {self.box.shape} lies outside labels of shape "
                f"{labels.shape}: apply it to the labels that it was made on"
            )
        most = int(self.after.max(initial=0))
        if most > np.iinfo(labels.dtype).max:
            raise InputError(f"label {most} does not fit into {labels.dtype}: convert the labels to uint32")
        where = self.positions()
        if np.any(labels[where] != np.repeat(self.before, self.lengths).astype(labels.dtype)):
            raise InputError(
                f"the labels at {self.box.start} are not those that {self.tool!r} was done on: undo what "
                "changed them since"
            )
        labels[where] = np.repeat(self.after, self.lengths).astype(labels.dtype)

    def inverse(self) -> Edit:
        """Return the edit that takes this one back."""
        return replace(self, before=self.after, after=self.before)


def _runs(
    pixels: NDArray[np.int64], old: NDArray[np.uint64], new: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
    """Join neighbouring pixels of one label before and one after; return starts, lengths and the labels."""
    is_start = np.ones(pixels.size, bool)
    is_start[1:] = (np.diff(pixels) != 1) | (old[1:] != old[:-1]) | (new[1:] != new[:-1])
    first = np.flatnonzero(is_start)
    return pixels[first], np.diff(first, append=pixels.size), old[first], new[first]
