"""Tiles on which the model is unsure, and each for another cause."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Suggestion
from napari_graft.acquisition.k_center import choose_centers
from napari_graft.acquisition.open_tiles import AvailableTiles, check_number, shuffled_order, take_in_order
from napari_graft.acquisition.required import required_features, required_numbers

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
