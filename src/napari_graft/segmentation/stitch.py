"""Join the objects of blocks that were decoded one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from bioimage_cpp.utils import UnionFind
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.metrics.contingency import sum_by_label, tabulate

MIN_SHARE_OF_LARGER = 0.1
"""Part of the larger label that an overlap must reach: a sliver along a border joins nothing."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which labels of two blocks are the same objects.

    Parameters
    ----------
    first, second
        Index of the blocks.
    pairs
        (n, 2), label in the first and in the second block.
    """

    first: int
    second: int
    pairs: NDArray[np.int64]


def face_between(first: Tile, second: Tile, depth: int) -> Tile | None:
    """Return the slab of `depth` pixels on both sides of the face between two tiles of a grid.

    None where the tiles do not share a face. The slab can reach outside the image where a tile is thinner
    than `depth`.
    """
    differing = [axis for axis in range(first.ndim) if first.start[axis] != second.start[axis]]
    if len(differing) != 1:
        return None
    (axis,) = differing
    lower, upper = sorted((first, second), key=lambda tile: tile.start)
    if lower.stop[axis] != upper.start[axis]:
        return None
    halo = tuple(depth if other == axis else 0 for other in range(first.ndim))
    return lower.grow(halo).intersection(upper.grow(halo))


def match_faces(
    first: NDArray[np.integer], second: NDArray[np.integer], min_overlap: float = 0.5
) -> NDArray[np.int64]:
    """Return the pairs of labels, (n, 2), that mark the same object in two blocks.

    Two labels match where their overlap is at least `min_overlap` of the smaller and a tenth of the larger,
    sizes counted in the compared pixels: a process that branches in one block only is still joined, a sliver
    is not.

    Parameters
    ----------
    first, second
        Labels that two blocks give to the same pixels, of one shape, 0 background; best a thin slab around
        the face between the blocks (see `face_between`), where both have seen enough of their surroundings.
    """
    table = tabulate(first, second)
    sizes, index = sum_by_label(table.segments, table.counts)
    other_sizes, other_index = sum_by_label(table.truths, table.counts)
    smaller = np.minimum(sizes[index], other_sizes[other_index])
    larger = np.maximum(sizes[index], other_sizes[other_index])
    is_match = (table.segments > 0) & (table.truths > 0)
    is_match &= (table.counts >= min_overlap * smaller) & (table.counts >= MIN_SHARE_OF_LARGER * larger)
    return np.stack([table.segments[is_match], table.truths[is_match]], axis=1).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Relabelling:
    """Map from the labels of each block to those of the whole volume.

    Parameters
    ----------
    starts
        (n_blocks,), where the labels of a block start in `table`.
    table
        Label in the volume, 1… consecutive, of the labels 1… of the first block, then of the second, and so
        on.
    """

    starts: NDArray[np.int64]
    table: NDArray[np.uint32]

    @classmethod
    def build(cls, n_labels: Sequence[int], matches: Iterable[Match]) -> Relabelling:
        """Unite all labels that matches connect, directly or by way of others.

        Parameters
        ----------
        n_labels
            Highest label of each block. Each label gets a number, so a block should not count objects that it
            sees in its halo only.
        matches
            Matches between the blocks, in any order.
        """
        starts = np.concatenate([[0], np.cumsum(n_labels, dtype=np.int64)])
        union = UnionFind(int(starts[-1]))
        for match in matches:
            ends = match.pairs - 1 + starts[[match.first, match.second]]
            union.merge(ends.astype(np.uint64))
        _, first_seen, index = np.unique(union.element_labeling(), return_index=True, return_inverse=True)
        number = np.empty(first_seen.size, np.uint32)
        number[np.argsort(first_seen)] = np.arange(1, first_seen.size + 1, dtype=np.uint32)
        return cls(starts[:-1], number[index])

    @property
    def n_objects(self) -> int:
        """Number of objects in the volume."""
        return int(self.table.max(initial=0))

    def apply(self, block: int, labels: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Return the labels in the volume of the labels that block number `block` gave to some pixels."""
        highest = self.starts[block + 1] if block + 1 < self.starts.size else self.table.size
        lookup = np.concatenate([np.zeros(1, np.uint32), self.table[self.starts[block] : highest]])
        return np.asarray(lookup[labels])
