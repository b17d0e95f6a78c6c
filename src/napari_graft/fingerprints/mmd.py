"""The squared maximum mean discrepancy of sets of feature vectors, by random Fourier features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from scipy.special import ndtri

from napari_graft.core.errors import InputError

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)


def median_bandwidth(features: NDArray[np.floating[Any]]) -> float:
    """Return the median squared Euclidean distance between two different rows of `features` (n, d).

    Raises
    ------
    InputError
        If there are fewer than two rows, or more than half of the pairs coincide.
    """
    if len(features) < 2:
        raise InputError(f"{len(features)} tiles have no distance between them: give at least 2")
    bandwidth = float(np.median(pdist(features, "sqeuclidean")))
    if not bandwidth > 0:
        raise InputError(f"the features of {len(features)} tiles are all the same: give images that differ")
    return bandwidth


def multiscale_kernel(squared_distances: NDArray[np.float64], bandwidth: float) -> NDArray[np.float64]:
    """Return the mean over s in `SCALES` of exp(-|x - y|² / (s · bandwidth)), elementwise."""
    kernel = np.zeros_like(squared_distances)
    for scale in SCALES:
        kernel += np.exp(squared_distances / (-scale * bandwidth))
    return kernel / len(SCALES)


Real = TypeVar("Real", bound=np.floating[Any])

N_NUMBERS = 2048
# Rows that are embedded at a time: their angles fit into the cache of a processor.
_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class RandomFeatures:
    """Random feature map φ of a vector x, with φ(x)·φ(y) ≈ k(x, y) and |φ(x)|² = 1.

    φ(x) = (a_1 cos ω_1·x, …, a_F cos ω_F·x, a_1 sin ω_1·x, …, a_F sin ω_F·x)

    Parameters
    ----------
    frequencies
        ω, float64 (F, d).
    amplitudes
        a, float64 (F,), with Σ a² = 1.

    References
    ----------
    Rahimi and Recht, Random features for large-scale kernel machines, NeurIPS 2007; the paired form has the
    smaller variance (Sutherland and Schneider, On the error of random Fourier features, UAI 2015).
    """

    frequencies: NDArray[np.float64]
    amplitudes: NDArray[np.float64]

    def embed(self, features: NDArray[Real]) -> NDArray[Real]:
        """Return φ of each row of `features` (n, d), computed in their dtype, (n, 2F)."""
        angles = features @ self.frequencies.T.astype(features.dtype)
        amplitudes = self.amplitudes.astype(features.dtype)
        return np.hstack([np.cos(angles) * amplitudes, np.sin(angles) * amplitudes])

    def mean_embedding(self, features: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the mean of φ over the rows of `features` (n, d), float64 (2F,).

        Single precision is many times faster here, and what it rounds away is nothing beside what the number
        of frequencies leaves open. The sum is taken in double precision.
        """
        total = np.zeros(2 * self.amplitudes.size)
        for start in range(0, len(features), _CHUNK):
            chunk = features[start : start + _CHUNK].astype(np.float32)
            total += self.embed(chunk).sum(axis=0, dtype=np.float64)
        return total / len(features)


def draw_random_features(n_features: int, bandwidth: float, seed: int) -> RandomFeatures:
    """Draw the frequencies for vectors of `n_features` numbers, the same ones wherever `seed` is the same.

    The kernel exp(-|x - y|² / (s · bandwidth)) has the spectral density N(0, 2 / (s · bandwidth)); each scale
    has the same total weight. Directions that follow one another are orthogonal, d at a time, and the lengths
    are those of independent normal vectors: each frequency alone is distributed as if drawn by itself, and
    together they cover the directions more evenly, which makes the error of the MMD about a third.

    The random numbers do not come from a ``numpy.random.Generator``, whose methods may change between
    versions of numpy. They are the raw 64-bit integers of the PCG64 bit generator, a stream that numpy
    promises to keep, mapped through the inverse of the normal distribution. `check_value` guards that
    promise.

    References
    ----------
    Yu et al., Orthogonal random features, NeurIPS 2016.
    """
    n_frequencies = N_NUMBERS // 2
    scale_of = np.arange(n_frequencies) * len(SCALES) // n_frequencies
    deviation = np.sqrt(2 / (np.array(SCALES)[scale_of] * bandwidth))
    n_blocks = -(-n_frequencies // n_features)
    normals = _stable_normals((n_blocks * n_features + n_frequencies) * n_features, seed)
    square, rows = np.split(normals, [n_blocks * n_features**2])
    directions = _orthogonal_rows(square.reshape(n_blocks, n_features, n_features))[:n_frequencies]
    lengths = np.linalg.norm(rows.reshape(n_frequencies, n_features), axis=1)
    share = 1 / (len(SCALES) * np.bincount(scale_of)[scale_of])
    return RandomFeatures(directions * (lengths * deviation)[:, None], np.sqrt(share))


def _stable_normals(count: int, seed: int) -> NDArray[np.float64]:
    raw = np.random.PCG64(seed).random_raw(count)
    # 52 bits and a half: the ends 0 and 1, which the inverse maps to infinity, cannot occur.
    uniform = ((raw >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    normals: NDArray[np.float64] = ndtri(uniform)
    return normals


def _orthogonal_rows(square: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn normal matrices (k, d, d) into uniformly distributed orthogonal ones, one below the other (kd, d).

    Without a rule for the signs the factors would not be uniform, and would depend on the library.
    """
    q, r = np.linalg.qr(square)
    signs = np.sign(np.diagonal(r, axis1=1, axis2=2))
    return np.asarray((q * signs[:, None, :]).reshape(-1, square.shape[-1]), np.float64)


def check_value(random_features: RandomFeatures) -> float:
    """Return a number that changes when any frequency, amplitude, or their order changes.

    It is stored with a fingerprint: if a later version of a library drew other frequencies, all distances
    would be wrong without a sign.
    """
    n_features = random_features.frequencies.shape[1]
    typical = np.abs(random_features.frequencies).mean()
    probe = np.linspace(0.5, 1, n_features)[None] / (typical * np.sqrt(n_features))
    embedding = random_features.embed(probe)[0]
    # Multiples of the golden ratio: the weights of neighbours differ much, so that their order matters.
    weights = 1 + np.arange(embedding.size) * 0.6180339887498949 % 1
    return float(embedding @ weights)


@lru_cache(maxsize=8)  # a source is compared with several versions of an image, and all with one ruler
def restore_random_features(n_features: int, bandwidth: float, seed: int, check: float) -> RandomFeatures:
    """Draw the frequencies of a stored fingerprint again.

    Raises
    ------
    InputError
        If they are not those that the fingerprint was made with.
    """
    drawn = draw_random_features(n_features, bandwidth, seed)
    found = check_value(drawn)
    if not np.isclose(found, check, rtol=1e-6, atol=1e-6):
        raise InputError(
            f"the random features of seed {seed} give {found:.6f} here but gave {check:.6f} when the "
            "fingerprint was made: it is damaged, or numbers are drawn differently now; make it anew"
        )
    for shared in (drawn.frequencies, drawn.amplitudes):
        shared.flags.writeable = False
    return drawn


def mmd2_of_means(
    mean_x: NDArray[np.floating[Any]], n: NDArray[np.int64] | int, mean_y: NDArray[np.floating[Any]], m: int
) -> NDArray[np.float64]:
    """Return the unbiased squared MMD of sets of n and m tiles from their mean embeddings (…, D) alone.

    Because |φ|² = 1, the sum over different pairs is (Σ φ)² - n, so that

    MMD²_u = (n |μ_x|² - 1)/(n - 1) + (m |μ_y|² - 1)/(m - 1) - 2 μ_x·μ_y

    without any image or single tile of either set.
    """
    x, y = np.asarray(mean_x, np.float64), np.asarray(mean_y, np.float64)
    within_x = (n * (x * x).sum(-1) - 1) / (n - 1)
    within_y = (m * (y * y).sum(-1) - 1) / (m - 1)
    return np.asarray(within_x + within_y - 2 * (x * y).sum(-1), np.float64)
