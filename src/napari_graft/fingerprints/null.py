"""How far apart two parts of one source lie by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_graft.fingerprints.random_features import mmd2_of_means
from napari_graft.sources.fingerprint import Fingerprint

FEWEST_GROUPS = 4


def draw_null(
    embedded: NDArray[np.float64], groups: NDArray[np.intp], m: int, n_draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw squared MMDs between `m` tiles of the source and the tiles of its other groups.

    Tiles of one image resemble each other, so a null from freely mixed tiles is too narrow and calls a new
    image of the very same kind far. Each draw therefore holds out whole groups, in random order until they
    have `m` tiles, takes `m` of their tiles as if they were the target, and compares them with the groups
    that were not held out. With fewer than `FEWEST_GROUPS` groups, or one that has more than half of the
    tiles, there are hardly any such draws, and tiles are drawn freely: the null is then that of independent
    tiles, and z values are larger than they ought to be. Blocks of an image as groups are better than that.

    The rest has fewer tiles than the whole source. Under the null, MMD² is distributed as (1/n + 1/m) times a
    law that does not depend on n and m (Gretton et al. 2012, theorem 12), so each draw is scaled by the ratio
    of the two factors.

    Parameters
    ----------
    embedded
        Random Fourier features of the source's tiles, float64 (n, D).
    groups
        Number of the group that each tile belongs to, from 0 on, (n,).
    m
        Number of tiles that play the target, at least 2 and at most n // 2.
    n_draws, rng
        Number of draws, and what makes them.

    Returns
    -------
    draws
        Sorted, float64 (n_draws,).
    """
    n = len(embedded)
    counts = np.bincount(groups)
    if len(counts) < FEWEST_GROUPS or 2 * counts.max() > n:
        groups, counts = np.arange(n), np.ones(n, np.intp)
    target, rest = np.zeros((n_draws, n)), np.zeros((n_draws, n))
    for draw in range(n_draws):
        is_held_out = _hold_out(counts, m, rng)[groups]
        target[draw, rng.choice(np.flatnonzero(is_held_out), m, replace=False)] = 1 / m
        rest[draw] = ~is_held_out
    n_rest = rest.sum(axis=1)
    mean_rest = (rest / n_rest[:, None]) @ embedded
    draws = mmd2_of_means(mean_rest, n_rest.astype(np.int64), target @ embedded, m)
    return np.sort(draws * (1 / n + 1 / m) / (1 / n_rest + 1 / m))


def _hold_out(counts: NDArray[np.intp], m: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose random groups that hold at least `m` tiles together and leave at least a quarter of all tiles.

    With m and every group at most half of the tiles this always succeeds: what is passed over leaves too
    little outside, so either enough is held out already or a later group fits.
    """
    limit = 0.75 * counts.sum()
    is_held_out = np.zeros(len(counts), bool)
    total = 0
    for group in rng.permutation(len(counts)):
        if total + counts[group] <= limit:
            is_held_out[group] = True
            total += counts[group]
        if total >= m:
            break
    return is_held_out


def null_at(fingerprint: Fingerprint, m: int) -> NDArray[np.float64]:
    """Return the null distribution for `m` target tiles, sorted, float64 (draws,).

    Between the stored sizes, quantiles are interpolated linearly in 1/m, as the law (1/n + 1/m) has it. Below
    the smallest size they are widened by that law. Above the largest they are kept as they are: how far whole
    images stray is not known there, and a null that is too wide only makes z cautious.
    """
    sizes, draws = fingerprint.null_sizes, fingerprint.null_draws.astype(np.float64)
    if m <= sizes[0]:
        factor = (1 / fingerprint.n + 1 / m) / (1 / fingerprint.n + 1 / sizes[0])
        return np.asarray(draws[0] * factor, np.float64)
    if m >= sizes[-1]:
        return np.asarray(draws[-1], np.float64)
    upper = int(np.searchsorted(sizes, m))
    weight = (1 / m - 1 / sizes[upper - 1]) / (1 / sizes[upper] - 1 / sizes[upper - 1])
    return np.asarray((1 - weight) * draws[upper - 1] + weight * draws[upper], np.float64)
