"""Chance, the strategy that every other one has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Suggestion
from napari_graft.acquisition.open_tiles import take_in_order


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
