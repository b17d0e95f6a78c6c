"""How far all sources, and the user's image, are from one another, and what labels tell of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError

TARGET = ""
"""Name of the user's image among the sources."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceMap:
    """Map of the sources by the distances between their images.

    Parameters
    ----------
    names
        Ids of the sources; the user's image is called `TARGET`.
    distances
        MMD in the common encoder, float64 (n, n), symmetric, 0 on the diagonal.
    merges
        The tree as `scipy.cluster.hierarchy.linkage` gives it, (n - 1, 4).
    order
        Indices of the names, so ordered that near ones stand side by side and no branches cross.
    branches
        Corners of the n - 1 branches of the tree, (n - 1, 4, 2): where along `order`, counted from 0, and at
        which distance.
    """

    names: tuple[str, ...]
    distances: NDArray[np.float64]
    merges: NDArray[np.float64]
    order: tuple[int, ...]
    branches: NDArray[np.float64]

    @property
    def ordered_names(self) -> tuple[str, ...]:
        """Names as they stand along the tree."""
        return tuple(self.names[i] for i in self.order)

    @property
    def ordered_distances(self) -> NDArray[np.float64]:
        """Distances as they stand along the tree."""
        return self.distances[np.ix_(self.order, self.order)]

    def nearest_to(self, name: str) -> list[tuple[str, float]]:
        """Return all others with their distances, the nearest first."""
        at = self.names.index(name)
        ranked = np.argsort(self.distances[at], kind="stable")
        return [(self.names[i], float(self.distances[at, i])) for i in ranked if i != at]


def map_of_distances(names: Sequence[str], distances: NDArray[np.float64]) -> SourceMap:
    """Return the map of known distances.

    Average linkage (UPGMA): two groups are as far apart as their members are on average. The leaves are
    ordered so that neighbours are as near as the tree allows (Bar-Joseph et al. 2001).

    Raises
    ------
    InputError
        If there are fewer than two names, or the distances do not fit them.
    """
    n = len(names)
    if n < 2:
        raise InputError(f"{n} sources make no map: at least two with a fingerprint are needed")
    fits = distances.shape == (n, n) and np.isfinite(distances).all() and (distances >= 0).all()
    if not fits or not np.allclose(distances, distances.T) or np.diagonal(distances).any():
        raise InputError(f"these are no distances between {n} sources: rank the sources again")
    # They take 0.2 s to import: only who draws a map waits for it, not who opens the window.
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    merges = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
    drawn = dendrogram(merges, no_plot=True)
    # scipy draws leaf i at 10 i + 5.
    along = (np.asarray(drawn["icoord"], np.float64) - 5) / 10
    branches = np.stack([along, np.asarray(drawn["dcoord"], np.float64)], axis=-1)
    return SourceMap(tuple(names), distances, merges, tuple(map(int, drawn["leaves"])), branches)


N_DRAWS = 999


@dataclass(frozen=True, slots=True)
class LabelEffect:
    """Effect of a label on distances.

    Parameters
    ----------
    n_same, n_different
        Pairs of sources with the same label and with different ones.
    mean_same, mean_different
        Their mean distances.
    p_value
        How often labels dealt out by chance make as large a difference of the means, or a larger one.
    """

    n_same: int
    n_different: int
    mean_same: float
    mean_different: float
    p_value: float


def label_effect(
    distances: NDArray[np.float64],
    labels: Sequence[str | None],
    counts: NDArray[np.bool],
    rng: np.random.Generator,
    strata: Sequence[str] | None = None,
) -> LabelEffect | None:
    """Compare distances within labels with those between labels, in the manner of Mantel's test.

    The pairs of one source are not independent of each other, so labels are dealt out anew among the sources
    instead of distances among the pairs.

    Parameters
    ----------
    distances
        (n, n), symmetric.
    labels
        One for each source; one that is not known, None, takes no part.
    counts
        (n, n), symmetric: which pairs may be counted.
    rng
        What deals out the labels.
    strata
        One for each source: then only pairs within a stratum are counted, and labels are dealt out within it.

    Returns
    -------
    effect
        None where there is no pair of one of the two kinds.
    """
    known = np.array([label is not None for label in labels])
    codes = np.unique([label or "" for label in labels], return_inverse=True)[1][known]
    groups = np.unique(strata or [""] * len(labels), return_inverse=True)[1][known]
    apart = distances[np.ix_(known, known)]
    usable = counts[np.ix_(known, known)] & (groups[:, None] == groups) & np.tri(len(codes), k=-1, dtype=bool)
    same = _is_same(codes) & usable
    different = usable & ~same
    if not same.any() or not different.any():
        return None
    found = apart[different].mean() - apart[same].mean()
    drawn = [_difference(apart, usable, _dealt(codes, groups, rng)) for _ in range(N_DRAWS)]
    as_large = sum(one >= found - 1e-12 for one in drawn)  # NaN, no pair of one kind, is not
    return LabelEffect(
        int(same.sum()),
        int(different.sum()),
        float(apart[same].mean()),
        float(apart[different].mean()),
        # A deal without pairs of both kinds says nothing.
        float((1 + as_large) / (1 + int(np.isfinite(drawn).sum()))),
    )


def _dealt(codes: NDArray[np.intp], groups: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    dealt = codes.copy()
    for group in np.unique(groups):
        dealt[groups == group] = rng.permutation(codes[groups == group])
    return dealt


def _difference(apart: NDArray[np.float64], usable: NDArray[np.bool], codes: NDArray[np.intp]) -> float:
    same = _is_same(codes) & usable
    different = usable & ~same
    if not same.any() or not different.any():
        return float("nan")
    return float(apart[different].mean() - apart[same].mean())


def _is_same(codes: NDArray[np.intp]) -> NDArray[np.bool]:
    return np.asarray(codes[:, None] == codes)
