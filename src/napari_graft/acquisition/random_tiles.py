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


# Share of the mean weight that every tile gets, so that what the model fails to see can be drawn as well.
FLOOR = 0.05


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
        if any(candidate.foreground is not None for candidate in candidates):
            weights = required_numbers(candidates, "foreground")
            reason = "taken at random, more likely where the model sees objects"
        else:
            weights = np.array([candidate.contrast for candidate in candidates], np.float64)
            reason = "taken at random, more likely where the image shows structure"
        taken = take_in_order(candidates, _weighted_order(weights, rng), n, annotated)
        return [Suggestion(candidates[index].tile, float(weights[index]), reason) for index in taken]


def _weighted_order(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return an order in which each next index is drawn from the remaining ones in proportion to its weight.

    The clock of index i rings after an exponential time of rate w_i. Whichever clocks are left out, the first
    of the others to ring is i with probability w_i / Σ w, so skipping tiles that overlap does not distort the
    chances (Efraimidis and Spirakis, Weighted random sampling with a reservoir, 2006).
    """
    floored = weights + FLOOR * weights.mean() if weights.any() else np.ones_like(weights)
    return np.argsort(rng.exponential(size=weights.size) / floored, kind="stable")
