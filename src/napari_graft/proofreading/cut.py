"""Where an object would come apart: the cut through its weakest affinities."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.proofreading.affinity_map import Borders


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut of an object in two, as a hierarchy of merges has it.

    Parameters
    ----------
    affinity
        The mean over all pairs of pixels across it, 0 to 1.
    n_pairs
        How many pairs that is.
    sizes
        Pixels on either side.
    sides
        The node of either side in the hierarchy, see `Hierarchy.leaves`.
    """

    affinity: float
    n_pairs: int
    sizes: tuple[int, int]
    sides: tuple[int, int]


class Hierarchy:
    """Hierarchy of merges of regions by the mean affinity between them, the strongest first.

    Average linkage on a graph of regions (Bailoni et al. 2022, CVPR, average without signs).

    Parameters
    ----------
    borders
        Between the regions; only what they connect is ever merged.
    sizes
        (n_regions + 1,), pixels of each region; that of 0 does not count.
    """

    def __init__(self, borders: Borders, sizes: NDArray[np.integer]) -> None:
        self._sizes: list[int] = sizes.tolist()
        self._children: dict[int, tuple[int, int]] = {}
        self._n_leaves = len(self._sizes)
        self._some_leaf = list(range(self._n_leaves))
        self._bonds: dict[int, dict[int, tuple[float, int]]] = defaultdict(dict)
        sums = (borders.affinity * borders.counts).tolist()
        for (a, b), total, count in zip(borders.pairs.tolist(), sums, borders.counts.tolist(), strict=True):
            self._bonds[a][b] = self._bonds[b][a] = total, count

    def cuts(self) -> Iterator[Cut]:
        """Merge all that hangs together, and yield each merge as the cut that would undo it."""
        waiting = self._waiting()
        while waiting:
            minus, a, b = heapq.heappop(waiting)
            # Nodes never return, so a bond that is still there is the one that was waiting.
            if b in self._bonds.get(a, ()):
                yield Cut(-minus, self._bonds[a][b][1], (self._sizes[a], self._sizes[b]), (a, b))
                for bond in self._merge(a, b):
                    heapq.heappush(waiting, bond)

    def parts(self, seeds: Mapping[int, int]) -> NDArray[np.int32]:
        """Merge all that hangs together, but never two parts; return the part of each region, 0 where none.

        Constrained average linkage: what has a part keeps it, and a bond between two parts is void (Bailoni
        et al. 2022, with the seeds as cannot-link constraints).

        Parameters
        ----------
        seeds
            Part, from 1, of the regions that are known.
        """
        part_of = dict(seeds)
        waiting = self._waiting()
        while waiting:
            _, a, b = heapq.heappop(waiting)
            if b not in self._bonds.get(a, ()):
                continue
            first, second = part_of.pop(a, 0), part_of.pop(b, 0)
            if first and second and first != second:
                part_of[a], part_of[b] = first, second
                del self._bonds[a][b], self._bonds[b][a]
                continue
            if first or second:
                part_of[len(self._sizes)] = first or second
            for bond in self._merge(a, b):
                heapq.heappush(waiting, bond)
        found = np.zeros(self._n_leaves, np.int32)
        for node, part in part_of.items():
            found[self.leaves(node)] = part
        return found

    def some_leaf(self, node: int) -> int:
        """Return one of the regions that a node holds."""
        return self._some_leaf[node]

    def leaves(self, node: int) -> list[int]:
        """Return the regions that a node holds."""
        waiting, found = [node], []
        while waiting:
            one = waiting.pop()
            if one < self._n_leaves:
                found.append(one)
            else:
                waiting.extend(self._children[one])
        return found

    def _waiting(self) -> list[tuple[float, int, int]]:
        """Return all bonds as a heap, the strongest first."""
        waiting = []
        for a, near in self._bonds.items():
            waiting += [(-total / count, a, b) for b, (total, count) in near.items() if a < b]
        heapq.heapify(waiting)
        return waiting

    def _merge(self, a: int, b: int) -> list[tuple[float, int, int]]:
        """Merge two nodes, and return the bonds of the new one."""
        new = len(self._sizes)
        self._sizes.append(self._sizes[a] + self._sizes[b])
        self._some_leaf.append(self._some_leaf[a])
        self._children[new] = a, b
        joined: dict[int, tuple[float, int]] = {}
        for old in (a, b):
            for other, (total, count) in self._bonds.pop(old).items():
                if other not in (a, b):
                    before = joined.get(other, (0.0, 0))
                    joined[other] = before[0] + total, before[1] + count
                    del self._bonds[other][old]
        self._bonds[new] = joined
        for other, bond in joined.items():
            self._bonds[other][new] = bond
        return [(-total / count, other, new) for other, (total, count) in joined.items()]
