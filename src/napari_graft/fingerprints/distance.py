"""The distance between a user's images and a source's training images, and what it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.fingerprints.null import null_at
from napari_graft.fingerprints.random_features import mmd2_of_means, restore_random_features
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
