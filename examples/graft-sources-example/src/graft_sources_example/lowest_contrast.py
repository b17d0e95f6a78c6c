"""The tiles with the least contrast, which are the hardest to see anything on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_graft.acquisition.candidates import Candidate, Suggestion, take_in_order


class LowestContrast:
    """Choose tiles by rising contrast."""

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions, the one of least contrast first."""
        shuffled = rng.permutation(len(candidates))
        order = np.array(sorted(shuffled, key=lambda i: candidates[i].contrast), int)
        taken = take_in_order(candidates, order, n, annotated)
        return [Suggestion(candidates[i].tile, -candidates[i].contrast, "little contrast") for i in taken]
