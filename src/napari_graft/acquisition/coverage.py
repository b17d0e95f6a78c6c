"""How well the chosen tiles stand for everything in the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist


class Coverage:
    """For each pattern of the candidates, the nearest chosen tile and its distance.

    Attributes
    ----------
    patterns
        Patterns of all candidates below each other, float64 (p, c).
    owners
        Number of the candidate that each pattern belongs to, (p,).
    distances
        Squared Euclidean distance of each pattern to the nearest pattern of a chosen tile, infinite before
        the first, float64 (p,).
    """

    def __init__(self, patterns: Sequence[NDArray[np.float64]]) -> None:
        self.patterns = np.concatenate(patterns)
        self.owners = np.repeat(np.arange(len(patterns)), [len(rows) for rows in patterns])
        self.distances = np.full(len(self.patterns), np.inf)
        self._nearest = np.full(len(self.patterns), -1)
        self._n_chosen = 0

    @property
    def n_chosen(self) -> int:
        """Number of tiles that were added."""
        return self._n_chosen

    def add(self, patterns: NDArray[np.float64]) -> None:
        """Count a tile with these `patterns` (k, c) among the chosen ones."""
        found = cdist(self.patterns, patterns, "sqeuclidean").min(axis=1)
        is_nearer = found < self.distances
        self.distances[is_nearer] = found[is_nearer]
        self._nearest[is_nearer] = self._n_chosen
        self._n_chosen += 1

    def shares(self) -> NDArray[np.float64]:
        """Return the share of all patterns that each chosen tile is nearest to, in the order of `add`."""
        counts = np.bincount(self._nearest[self._nearest >= 0], minlength=self._n_chosen)
        return counts / len(self.patterns)
