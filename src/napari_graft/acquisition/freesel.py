"""Tiles whose patterns together cover the image, before anything is labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate, Suggestion, required_features
from napari_graft.acquisition.diversity import Coverage, DiverseSelection, Rule, standardised


def _any_tile(coverage: Coverage, open_indices: NDArray[np.intp], rng: np.random.Generator) -> int:
    return int(rng.choice(open_indices))


class FreeSel:
    """Strategy of distant semantic patterns: by their distance to those of the tiles chosen so far.

    The first tile is any, unless some are annotated. With d(f) the distance of a pattern f to the nearest
    one of the chosen tiles, the next pattern is drawn with probability d(f)² / Σ d² (rule `draw_by_square`),
    or is the farthest one (`take_farthest`); its tile is chosen, and all patterns of that tile count from
    then on.

    The paper takes the cosine distance of the patterns as they are. The features of a microscope image have a
    large common part, beside which a few odd tiles look so far that hardly any other is drawn. Here each
    feature is brought to mean 0 and deviation 1 over all tiles, and the distance is Euclidean: the cosine of
    centred patterns would forget how far from the common one each lies.

    Parameters
    ----------
    rule
        How the next pattern is chosen.

    References
    ----------
    Xie et al., Towards Free Data Selection with General-Purpose Models, NeurIPS 2023.
    """

    def __init__(self, rule: Rule) -> None:
        self._selection = DiverseSelection(rule, _any_tile, "taken at random as a place to start")

    def select(
        self,
        candidates: Sequence[Candidate],
        n: int,
        rng: np.random.Generator,
        *,
        annotated: Sequence[Candidate] = (),
    ) -> list[Suggestion]:
        """Return up to `n` suggestions; the score is the share of patterns nearest to it. See `Strategy`."""
        patterns = standardised(required_features([*candidates, *annotated], "patterns"))
        choices = self._selection.choose(candidates, patterns, n, rng, annotated)
        return [Suggestion(candidates[one.index].tile, one.share, one.reason) for one in choices]
