"""Tiles with objects that differ from each other: chance, led by what a model sees and by distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import (
    AvailableTiles,
    Candidate,
    Suggestion,
    check_number,
    required_features,
    slice_gap,
)
from napari_graft.acquisition.diversity import Coverage, standardised
from napari_graft.acquisition.random_tiles import foreground_or_contrast, with_floor


class ForegroundDiversity:
    """Random strategy among tiles with objects, each unlike those chosen before.

    The first tile is drawn in proportion to its foreground w, as `ForegroundRandom` does; each further one in
    proportion to w d², with d the distance of its embedding, whose features are standardised over all tiles,
    to the nearest chosen or annotated one.
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
        check_number(n)
        rows = standardised(required_features([*candidates, *annotated], "embedding"))
        if not candidates:
            return []
        found, sees_objects = foreground_or_contrast(candidates)
        weights = with_floor(found)
        coverage = Coverage(rows[: len(candidates)])
        for row in rows[len(candidates) :]:
            coverage.add(row)
        available = AvailableTiles(candidates, annotated, slice_gap(candidates, n))
        taken: list[int] = []
        while len(taken) < n and available.is_open.any():
            index = _draw(weights, coverage, available.indices(), rng)
            taken.append(index)
            available.close(candidates[index].tile)
            coverage.add(rows[index])
        what = "objects" if sees_objects else "structure"
        much = "many objects" if sees_objects else "much structure"
        first, later = f"shows {much}", f"shows {what}, unlike the other suggestions"
        unlike_painted = f"shows {what}, unlike anything painted so far"
        reasons = [unlike_painted if annotated else later if place else first for place in range(len(taken))]
        return [
            Suggestion(candidates[index].tile, float(found[index]), reason)
            for index, reason in zip(taken, reasons, strict=True)
        ]


def _draw(
    weights: NDArray[np.float64],
    coverage: Coverage,
    open_indices: NDArray[np.intp],
    rng: np.random.Generator,
) -> int:
    chances = weights[open_indices]
    if coverage.n_chosen:
        apart = chances * coverage.distances[open_indices]
        chances = apart if apart.sum() > 0 else chances
    return int(rng.choice(open_indices, p=chances / chances.sum()))
