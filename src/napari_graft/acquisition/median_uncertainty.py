"""The tiles on which the model is as unsure as on the typical tile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Suggestion
from napari_graft.acquisition.open_tiles import AvailableTiles, shuffled_order, take_in_order
from napari_graft.acquisition.required import required_numbers


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
