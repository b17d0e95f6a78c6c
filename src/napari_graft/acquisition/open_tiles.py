"""Keeping suggestions from overlapping each other and what is annotated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


class AvailableTiles:
    """Candidates that may still be chosen: those that overlap no annotated and no chosen tile.

    Attributes
    ----------
    is_open
        One boolean for each candidate, bool (n,).
    """

    def __init__(self, candidates: Sequence[Candidate], annotated: Sequence[Candidate]) -> None:
        self._start = np.array([candidate.tile.start for candidate in candidates])
        self._stop = np.array([candidate.tile.stop for candidate in candidates])
        self.is_open = np.ones(len(candidates), bool)
        for candidate in annotated:
            self.close(candidate.tile)

    def close(self, tile: Tile) -> None:
        """Rule out every candidate that overlaps `tile`."""
        if self.is_open.size:
            self.is_open &= ~((self._start < tile.stop) & (self._stop > tile.start)).all(axis=1)

    def indices(self) -> NDArray[np.intp]:
        """Return the numbers of the candidates that are still open, ascending."""
        return np.flatnonzero(self.is_open)


def take_in_order(
    candidates: Sequence[Candidate],
    order: NDArray[np.intp],
    n: int,
    annotated: Sequence[Candidate],
) -> list[int]:
    """Return the first `n` candidates of `order` that are still open when their turn comes."""
    check_number(n)
    available = AvailableTiles(candidates, annotated)
    taken: list[int] = []
    for index in order:
        if len(taken) == n:
            break
        if available.is_open[index]:
            taken.append(int(index))
            available.close(candidates[index].tile)
    return taken


def shuffled_order(cost: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the indices by rising cost, with equal costs in random order."""
    return np.lexsort((rng.random(cost.size), cost))


def check_number(n: int) -> None:
    """Refuse a negative number of suggestions."""
    if n < 0:
        raise InputError(f"cannot suggest {n} tiles: ask for 0 or more")
