"""Whether images with the same label, such as a species, are nearer to one another than others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
