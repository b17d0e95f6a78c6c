"""Choosing tiles that differ, the common ground of the pattern and embedding strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from napari_graft.acquisition.candidates import AvailableTiles, Candidate, check_number, slice_gap


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


Rule = Callable[[NDArray[np.float64], np.random.Generator], int]
"""Choose one of several patterns from their squared distances to what is chosen."""

Start = Callable[[Coverage, NDArray[np.intp], np.random.Generator], int]
"""Choose the first tile from the numbers of the open ones when nothing is annotated."""

TYPICAL = "typical of a large part of the image"
UNLIKE_PAINTED = "unlike anything painted so far"
UNLIKE_OTHERS = "unlike the other suggestions"
ANOTHER = "one more example of what is common in the image"


@dataclass(frozen=True, slots=True)
class ChosenCandidate:
    """A chosen candidate, and what it was chosen for.

    Parameters
    ----------
    index
        Number of the candidate.
    share
        Share of all the candidates' patterns that are nearer to this tile than to the other chosen and the
        annotated ones.
    reason
        Why, in words.
    """

    index: int
    share: float
    reason: str


@dataclass(frozen=True, slots=True)
class DiverseSelection:
    """Selection of one tile after another by its distance to the annotated and the ones before.

    In a stack, tiles at the same place of neighbouring slices are left out while there are others; see
    `slice_gap`.

    Parameters
    ----------
    rule
        How the next pattern is chosen; its tile is taken, and all patterns of the tile count from then on.
    start
        How the first tile is chosen when nothing is annotated.
    start_reason
        Why, in words.
    """

    rule: Rule
    start: Start
    start_reason: str

    def choose(
        self,
        candidates: Sequence[Candidate],
        patterns: Sequence[NDArray[np.float64]],
        n: int,
        rng: np.random.Generator,
        annotated: Sequence[Candidate],
    ) -> list[ChosenCandidate]:
        """Return up to `n` choices.

        Parameters
        ----------
        candidates, n, rng, annotated
            As in `Strategy.select`.
        patterns
            Patterns of each candidate and then of each annotated tile, each float64 (k, c).
        """
        check_number(n)
        if not candidates:
            return []
        coverage = Coverage(patterns[: len(candidates)])
        for rows in patterns[len(candidates) :]:
            coverage.add(rows)
        available = AvailableTiles(candidates, annotated, slice_gap(candidates, n))
        taken: list[int] = []
        is_new: list[bool] = []
        while len(taken) < n and available.is_open.any():
            index = self._next(coverage, available, rng)
            taken.append(index)
            is_new.append(_is_new(coverage, available, index))
            available.close(candidates[index].tile)
            coverage.add(patterns[index])
        shares = [float(share) for share in coverage.shares()[coverage.n_chosen - len(taken) :]]
        unlike = UNLIKE_PAINTED if annotated else UNLIKE_OTHERS
        reasons = [
            TYPICAL if share * coverage.n_chosen >= 1 else unlike if new else ANOTHER
            for share, new in zip(shares, is_new, strict=True)
        ]
        if taken and not annotated:
            reasons[0] = self.start_reason
        return list(map(ChosenCandidate, taken, shares, reasons))

    def _next(self, coverage: Coverage, available: AvailableTiles, rng: np.random.Generator) -> int:
        if coverage.n_chosen == 0:
            return self.start(coverage, available.indices(), rng)
        rows = np.flatnonzero(available.is_open[coverage.owners])
        return int(coverage.owners[rows[self.rule(coverage.distances[rows], rng)]])


def _is_new(coverage: Coverage, available: AvailableTiles, index: int) -> bool:
    """Say whether a tile shows a pattern farther from all chosen ones than the typical open pattern is."""
    is_open = available.is_open[coverage.owners]
    own = coverage.distances[coverage.owners == index]
    return bool(own.max() > np.median(coverage.distances[is_open]))


def draw_by_square(distances: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw with a chance in proportion to the square of the distance, which is what is given.

    Where all distances are 0, all have the same chance. This is the seeding of k-means++ (Arthur and
    Vassilvitskii, 2007).
    """
    total = distances.sum()
    return int(rng.choice(distances.size, p=distances / total if total > 0 else None))


def take_farthest(distances: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Take the largest distance, one of them at random where several are equal."""
    return int(rng.choice(np.flatnonzero(distances == distances.max())))


def standardised(rows: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return features, each (k, c), with mean 0 and deviation 1 of each number over all of them."""
    if not rows:
        return []
    whole = np.concatenate(rows)
    mean, deviation = whole.mean(axis=0), whole.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    return [np.asarray((one - mean) / scale, np.float64) for one in rows]
