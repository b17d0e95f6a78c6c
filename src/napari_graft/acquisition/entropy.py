"""The tiles on which the model is least sure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Suggestion
from napari_graft.acquisition.open_tiles import shuffled_order, take_in_order
from napari_graft.acquisition.required import required_numbers


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
