"""Strategies that go by how sure the model is: least sure, typically sure, unsure for other causes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import (
    AvailableTiles,
    Candidate,
    Suggestion,
    check_number,
    required_features,
    required_numbers,
    shuffled_order,
    take_in_order,
)
from napari_graft.acquisition.k_center import choose_centers


class Entropy:
    """Strategy of the largest mean uncertainty."""

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the uncertainty. See `Strategy`."""
        uncertainty = required_numbers(candidates, "uncertainty")
        taken = take_in_order(candidates, shuffled_order(-uncertainty, rng), n, annotated)
        reason = "the model is unsure here"
        return [Suggestion(candidates[index].tile, float(uncertainty[index]), reason) for index in taken]


class MedianUncertainty:
    """Strategy of the mean uncertainty closest to the median of the tiles that are still open.

    This avoids both what is easy and what is hopeless, such as folds and dirt, which the largest uncertainty
    picks.

    References
    ----------
    Sawmya et al., NeuroADDA, arXiv 2503.06196 (2025); the rule is reconstructed from accounts of the paper.
    """

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the uncertainty. See `Strategy`."""
        uncertainty = required_numbers(candidates, "uncertainty")
        pool = uncertainty[AvailableTiles(candidates, annotated).indices()]
        cost = np.abs(uncertainty - np.median(pool)) if pool.size else uncertainty
        taken = take_in_order(candidates, shuffled_order(cost, rng), n, annotated)
        reason = "the model is about as unsure here as in most of the image"
        return [Suggestion(candidates[index].tile, float(uncertainty[index]), reason) for index in taken]


UNCERTAIN_SHARE = 0.25
FEWEST_PER_SUGGESTION = 2


class UncertaintyDiversity:
    """Strategy of distant embeddings among the most uncertain tiles.

    The most uncertain tiles alone are often many views of one difficult place. Kept are a quarter of the open
    tiles, but at least twice as many as are wanted; `choose_centers` then picks those that differ most from
    each other and from what is annotated.
    """

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the uncertainty. See `Strategy`."""
        check_number(n)
        uncertainty = required_numbers(candidates, "uncertainty")
        # Of all tiles, or it would depend on the model whether one without an embedding is noticed.
        required_features([*candidates, *annotated], "embedding")
        n_open = len(AvailableTiles(candidates, annotated).indices())
        n_kept = max(FEWEST_PER_SUGGESTION * n, round(UNCERTAIN_SHARE * n_open))
        kept = take_in_order(candidates, shuffled_order(-uncertainty, rng), n_kept, annotated)
        choices = choose_centers([candidates[index] for index in kept], n, rng, annotated)
        return [
            Suggestion(
                candidates[kept[one.index]].tile,
                float(uncertainty[kept[one.index]]),
                f"the model is unsure here; {one.reason}",
            )
            for one in choices
        ]
