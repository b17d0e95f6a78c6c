"""The distance between a user's images and a source's training images, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.fingerprints.mmd import mmd2_of_means, restore_random_features
from napari_graft.fingerprints.source_map import TARGET, SourceMap, map_of_distances
from napari_graft.sources.fingerprint import Fingerprint

LIKE_OWN = "like its own data"
NEAR = "near"
FAR = "far"

LIKE_OWN_LIMIT = 3.0
NEAR_LIMIT = 30.0
REFERENCE_SIZE = 32


@dataclass(frozen=True, slots=True)
class Distance:
    """Distance of a target to the training images of a source.

    Parameters
    ----------
    mmd2
        Unbiased squared MMD; values of different sources are not comparable.
    z
        (mmd2 - mean of the null) / standard deviation of the null, at the same number of tiles.
    p_value
        (1 + draws of the null that are at least mmd2) / (1 + draws).
    n
        Number of target tiles.
    verdict
        `LIKE_OWN`, `NEAR` or `FAR`; see `distance`.
    """

    mmd2: float
    z: float
    p_value: float
    n: int
    verdict: str


def distance(
    fingerprint: Fingerprint, target_features: NDArray[np.float32], *, encoder: str | None = None
) -> Distance:
    """Compare a target's tiles with the training tiles of a source.

    z grows with the number of tiles, because the null narrows; how far the target is does not. The verdict
    therefore looks at two things: whether z exceeds 3, that is whether chance explains the difference, and
    whether mmd2 exceeds the null by 30 deviations *of 32 tiles*, however many there are. It is `LIKE_OWN`
    where neither holds, `FAR` where both do, else `NEAR`; so two or three tiles never make a bold claim. For
    orientation, z of 32 to 48 tiles against networks trained briefly on neurites: the source itself -1, the
    same tissue prepared elsewhere 9, neurites of other microscopes 10 to 45, cells and nuclei in light
    microscopes from 48 on.

    Parameters
    ----------
    fingerprint
        Of the source.
    target_features
        Features of the target's tiles made by the source's own encoder, float32 (m, d), m at least 2.
    encoder
        SHA-256 of the weights that made `target_features`; where given, it must be the fingerprint's.

    Raises
    ------
    InputError
        If the features are of another encoder, too few, or not finite, or if the fingerprint is damaged.
    """
    _check(fingerprint, target_features, encoder)
    m = len(target_features)
    drawn = restore_random_features(
        fingerprint.n_features, fingerprint.bandwidth, fingerprint.seed, fingerprint.check
    )
    mean = drawn.mean_embedding(fingerprint.standardise(target_features))
    mmd2 = float(mmd2_of_means(fingerprint.mean_embedding, fingerprint.n, mean, m))
    null = null_at(fingerprint, m)
    z = float((mmd2 - null.mean()) / null.std(ddof=1))
    p_value = (1 + int((null >= mmd2).sum())) / (1 + null.size)
    return Distance(mmd2, z, p_value, m, _verdict(fingerprint, mmd2, z))


def general_mmd2(first: Fingerprint, second: Fingerprint) -> float:
    """Return the squared MMD of two sources from their general fingerprints.

    Raises
    ------
    InputError
        If they were not made alike.
    """
    if first.encoder != second.encoder or first.seed != second.seed or first.bandwidth != second.bandwidth:
        raise InputError(
            "the fingerprints of two sources were made with different encoders: make both anew with "
            "'napari-graft sources train RECIPE --out FOLDER --fingerprint'"
        )
    return float(mmd2_of_means(first.mean_embedding, first.n, second.mean_embedding, second.n))


def _verdict(fingerprint: Fingerprint, mmd2: float, z: float) -> str:
    reference = null_at(fingerprint, REFERENCE_SIZE)
    is_significant = z > LIKE_OWN_LIMIT
    is_large = mmd2 - reference.mean() > NEAR_LIMIT * reference.std(ddof=1)
    if is_significant and is_large:
        return FAR
    return NEAR if is_significant or is_large else LIKE_OWN


def _check(fingerprint: Fingerprint, features: NDArray[np.float32], encoder: str | None) -> None:
    if encoder is not None and encoder != fingerprint.encoder:
        raise InputError(
            f"the features come from the encoder {encoder[:12]}… and the fingerprint from "
            f"{fingerprint.encoder[:12]}…: compute both with the weights of the source"
        )
    if features.ndim != 2 or features.shape[1] != fingerprint.n_features or len(features) < 2:
        raise InputError(
            f"target features of shape {features.shape} do not fit a fingerprint of {fingerprint.n_features} "
            "features: give at least 2 tiles through the encoder of the source"
        )
    if not np.isfinite(features).all():
        raise InputError("some features of the target's tiles are NaN or infinite: check the image")


def map_of_fingerprints(
    fingerprints: Mapping[str, Fingerprint], target: NDArray[np.float32] | None = None
) -> SourceMap:
    """Return the map of sources, and of a user's image among them.

    Distances are √MMD², where MMD² is the unbiased estimate, which is slightly negative where two sets of
    images are alike; that counts as 0. MMD itself, and not its square, is a metric.

    Parameters
    ----------
    fingerprints
        Of the sources in the common encoder, by id; see `general_fingerprint`.
    target
        Features of the image's tiles in the same encoder, float32 (m, d); None to map the sources alone.

    Raises
    ------
    InputError
        If fingerprints were not made alike, or there are too few.
    """
    names, known = list(fingerprints), list(fingerprints.values())
    n = len(known) + (target is not None)
    mmd2 = np.zeros((n, n))
    for i, one in enumerate(known):
        for j, other in enumerate(known[:i]):
            mmd2[i, j] = general_mmd2(one, other)
        if target is not None:
            mmd2[-1, i] = distance(one, target).mmd2
    below = np.sqrt(np.maximum(mmd2, 0))
    return map_of_distances(names if target is None else [*names, TARGET], below + below.T)


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
