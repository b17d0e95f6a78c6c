"""Tiles such that no other tile is far from all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate, Suggestion, required_features
from napari_graft.acquisition.diversity import (
    ChosenCandidate,
    Coverage,
    DiverseSelection,
    standardised,
    take_farthest,
)


def _most_central(coverage: Coverage, open_indices: NDArray[np.intp], rng: np.random.Generator) -> int:
    rows = coverage.patterns[open_indices]
    distances = ((rows - rows.mean(axis=0)) ** 2).sum(axis=1)
    return int(open_indices[take_farthest(-distances, rng)])


_SELECTION = DiverseSelection(take_farthest, _most_central, "typical of the image as a whole")


def choose_centers(
    candidates: Sequence[Candidate], n: int, rng: np.random.Generator, annotated: Sequence[Candidate]
) -> list[ChosenCandidate]:
    """Return up to `n` choices, each the tile farthest from all before and all annotated ones.

    The features of the embeddings are standardised over all tiles. Where nothing is annotated, the first is
    the tile closest to the mean. This is the greedy solution of the k-center problem, which is at most twice
    as far as the best one.

    References
    ----------
    Sener and Savarese, Active learning for convolutional neural networks: a core-set approach, ICLR 2018.

    Raises
    ------
    InputError
        If a tile lacks its embedding.
    """
    tiles = [*candidates, *annotated]
    if not tiles:
        return _SELECTION.choose(candidates, [], n, rng, annotated)
    rows = standardised(required_features(tiles, "embedding"))
    return _SELECTION.choose(candidates, rows, n, rng, annotated)


class KCenter:
    """Strategy whose tiles cover the image best by their embeddings; see `choose_centers`."""

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the share of tiles nearest to it. See `Strategy`."""
        choices = choose_centers(candidates, n, rng, annotated)
        return [Suggestion(candidates[one.index].tile, one.share, one.reason) for one in choices]
