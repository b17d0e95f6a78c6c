"""Taking from candidates what a strategy cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate
from napari_graft.core.errors import InputError

_REMEDIES = {
    "uncertainty": "predict them with a model first, or choose 'freesel' or 'random'",
    "foreground": "predict all of them with a model, or none",
    "embedding": "compute their features first, or choose 'random'",
    "patterns": "compute their semantic patterns first, or choose 'random'",
}


def required_numbers(
    candidates: Sequence[Candidate], name: Literal["uncertainty", "foreground"]
) -> NDArray[np.float64]:
    """Return that number of every candidate, float64 (n,).

    Raises
    ------
    InputError
        If a candidate lacks it, or it is not finite.
    """
    return np.array(_required(candidates, name), np.float64)


def required_features(
    candidates: Sequence[Candidate], name: Literal["embedding", "patterns"]
) -> list[NDArray[np.float64]]:
    """Return those features of every candidate, each float64 (k, c); an embedding is one row.

    Raises
    ------
    InputError
        If a candidate lacks them, they are not finite, or they come from different networks.
    """
    features = [np.atleast_2d(value).astype(np.float64) for value in _required(candidates, name)]
    widths = sorted({value.shape[1] for value in features})
    if len(widths) > 1:
        raise InputError(
            f"tiles have {name} of {widths[0]} and of {widths[-1]} numbers: compute all with one network"
        )
    return features


def _required(candidates: Sequence[Candidate], name: str) -> list[Any]:
    values = [getattr(candidate, name) for candidate in candidates]
    missing = [candidate for candidate, value in zip(candidates, values, strict=True) if value is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(candidates)} tiles have no {name}, the first at "
            f"{missing[0].tile.start}: {_REMEDIES[name]}"
        )
    for candidate, value in zip(candidates, values, strict=True):
        if not np.isfinite(value).all():
            raise InputError(
                f"{name} of the tile at {candidate.tile.start} is not finite: check the image and the model"
            )
    return values
