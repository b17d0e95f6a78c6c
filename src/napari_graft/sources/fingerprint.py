"""What a source remembers of its training images: enough to compare, and no image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError

_PREFIX = "fingerprint."
# 2: the frequencies of the random features are orthogonal.
_FORMAT_VERSION = 2


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Mean embedding of a source's training tiles, and how far it strays by chance.

    It is made by `napari_graft.fingerprints.fingerprint.make_fingerprint`, which says what the numbers mean.

    Parameters
    ----------
    encoder
        SHA-256 (hexadecimal) of the weights that made the features; other features cannot be compared with
        these.
    n
        Number of training tiles.
    bandwidth
        Median squared distance between the standardised features of two training tiles.
    location, scale
        Mean and scale of each feature over the training tiles, each float32 (d,).
    seed
        Seed of the random Fourier features.
    check
        Number that the same seed must give again; see `napari_graft.fingerprints.mmd`.
    mean_embedding
        Mean of the random Fourier features over the training tiles, float32 (D,).
    null_sizes
        Numbers of target tiles for which a null distribution is stored, ascending.
    null_draws
        Squared MMD between random parts of the source itself, float32 (len(null_sizes), draws), each row
        sorted.
    """

    encoder: str
    n: int
    bandwidth: float
    location: NDArray[np.float32]
    scale: NDArray[np.float32]
    seed: int
    check: float
    mean_embedding: NDArray[np.float32]
    null_sizes: tuple[int, ...]
    null_draws: NDArray[np.float32]

    @property
    def n_features(self) -> int:
        """Number of features d of a tile."""
        return self.location.size

    def standardise(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return features (n, d) in units of the scatter of the source's tiles around their mean."""
        standardised: NDArray[np.float64] = (features.astype(np.float64) - self.location) / self.scale
        return standardised

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return arrays for a safetensors file, named ``fingerprint.…`` so that they stand beside weights."""
        tensors: dict[str, NDArray[Any]] = {
            "format_version": np.array(_FORMAT_VERSION, np.int64),
            "encoder": np.frombuffer(self.encoder.encode(), np.uint8),
            "n": np.array(self.n, np.int64),
            "bandwidth": np.array(self.bandwidth, np.float64),
            "location": self.location,
            "scale": self.scale,
            "seed": np.array(self.seed, np.int64),
            "check": np.array(self.check, np.float64),
            "mean_embedding": self.mean_embedding,
            "null_sizes": np.array(self.null_sizes, np.int64),
            "null_draws": self.null_draws,
        }
        return {_PREFIX + name: array for name, array in tensors.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Fingerprint:
        """Rebuild a fingerprint from what `to_tensors` gave; tensors of other names are ignored.

        Raises
        ------
        InputError
            If the fingerprint is missing, incomplete, of a newer format, or holds impossible numbers.
        """
        _check_version(tensors)
        try:
            fingerprint = cls(
                encoder=tensors[_PREFIX + "encoder"].tobytes().decode("ascii", "replace"),
                n=int(tensors[_PREFIX + "n"]),
                bandwidth=float(tensors[_PREFIX + "bandwidth"]),
                location=tensors[_PREFIX + "location"].astype(np.float32),
                scale=tensors[_PREFIX + "scale"].astype(np.float32),
                seed=int(tensors[_PREFIX + "seed"]),
                check=float(tensors[_PREFIX + "check"]),
                mean_embedding=tensors[_PREFIX + "mean_embedding"].astype(np.float32),
                null_sizes=tuple(int(m) for m in tensors[_PREFIX + "null_sizes"]),
                null_draws=tensors[_PREFIX + "null_draws"].astype(np.float32),
            )
        except KeyError as missing:
            raise InputError(
                f"the fingerprint lacks {missing}: make it anew from the training images"
            ) from None
        except (TypeError, ValueError) as wrong:
            raise InputError(f"the fingerprint cannot be read ({wrong}): make it anew") from None
        _check_numbers(fingerprint)
        return fingerprint


def _check_version(tensors: Mapping[str, NDArray[Any]]) -> None:
    version = tensors.get(_PREFIX + "format_version")
    if version is None:
        raise InputError("there is no fingerprint here: make one from the training images of the source")
    found = version.tolist()
    if found != _FORMAT_VERSION:
        is_newer = isinstance(found, int) and found > _FORMAT_VERSION
        remedy = "update napari-graft" if is_newer else "make it anew from the training images"
        raise InputError(
            f"the fingerprint has format version {found}, this program reads {_FORMAT_VERSION}: {remedy}"
        )


def _check_numbers(fingerprint: Fingerprint) -> None:
    sizes, draws = fingerprint.null_sizes, fingerprint.null_draws
    faults = {
        "n": fingerprint.n < 2,
        "bandwidth": not 0 < fingerprint.bandwidth < np.inf,
        "location": fingerprint.location.ndim != 1 or not np.isfinite(fingerprint.location).all(),
        "scale": fingerprint.scale.shape != fingerprint.location.shape
        or not (np.isfinite(fingerprint.scale) & (fingerprint.scale > 0)).all(),
        "check": not np.isfinite(fingerprint.check),
        "mean_embedding": fingerprint.mean_embedding.ndim != 1
        or not np.isfinite(fingerprint.mean_embedding).all(),
        "null_sizes": not sizes or min(sizes) < 2 or list(sizes) != sorted(set(sizes)),
        "null_draws": draws.ndim != 2
        or draws.shape[0] != len(sizes)
        or draws.shape[1] < 2
        or not np.isfinite(draws).all()
        or bool((np.diff(draws, axis=1) < 0).any()),
    }
    wrong = [name for name, is_wrong in faults.items() if is_wrong]
    if wrong:
        raise InputError(f"the fingerprint holds impossible values in {', '.join(wrong)}: make it anew")
