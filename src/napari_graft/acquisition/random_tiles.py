"""Chance, the strategy that every other one has to beat; also among tiles with objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate, Suggestion, required_numbers, take_in_order


class RandomTiles:
    """Uniformly random strategy."""

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score says nothing and is 0. See `Strategy`."""
        taken = take_in_order(candidates, rng.permutation(len(candidates)), n, annotated)
        return [Suggestion(candidates[index].tile, 0.0, "taken at random") for index in taken]


FLOOR = 0.05
"""Share of the mean weight that every tile gets."""


class ForegroundRandom:
    """Random strategy, with a chance in proportion to the predicted foreground.

    Before there is any model, the contrast of the tile stands in for the foreground.
    """

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the foreground or the contrast. See `Strategy`."""
        found, sees_objects = foreground_or_contrast(candidates)
        what = "the model sees objects" if sees_objects else "the image shows structure"
        reason = f"taken at random, more likely where {what}"
        taken = take_in_order(candidates, _weighted_order(with_floor(found), rng), n, annotated)
        return [Suggestion(candidates[index].tile, float(found[index]), reason) for index in taken]


def foreground_or_contrast(candidates: Sequence[Candidate]) -> tuple[NDArray[np.float64], bool]:
    """Return the foreground of candidates, or before any model their contrast; and whether a model saw it.

    Raises
    ------
    InputError
        If a model has looked at some of them only.
    """
    if any(candidate.foreground is not None for candidate in candidates):
        return required_numbers(candidates, "foreground"), True
    return np.array([candidate.contrast for candidate in candidates], np.float64), False


def with_floor(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights with `FLOOR` of their mean added, all 1 where all are 0.

    So what a model fails to see can be drawn as well.
    """
    return weights + FLOOR * weights.mean() if weights.any() else np.ones_like(weights)


def _weighted_order(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return an order in which each next index is drawn from the remaining ones in proportion to its weight.

    The clock of index i rings after an exponential time of rate w_i. Whichever clocks are left out, the first
    of the others to ring is i with probability w_i / Σ w, so skipping tiles that overlap does not distort the
    chances (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006).
    """
    return np.argsort(rng.exponential(size=weights.size) / weights, kind="stable")
