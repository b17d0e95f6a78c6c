"""What every scorer keeps."""

from __future__ import annotations

import math

import pytest

from napari_graft.scorers.scoring_context import Scorer, ScoringContext


class ScorerContract:
    """Tests of a `Scorer`: set `scorer`, and let `context` be a fixture of a source and an image.

    ``napari_graft.scorers.scoring_context`` says how one is made.
    """

    scorer: Scorer

    @pytest.fixture
    def context(self) -> ScoringContext:
        """Return a source and a target; override it."""
        raise NotImplementedError

    def test_it_has_a_title(self) -> None:
        assert self.scorer.title

    def test_it_measures_a_number_or_nothing_and_the_same_again(self, context: ScoringContext) -> None:
        first, second = (self.scorer.measure(context) for _ in range(2))

        assert first is None or math.isfinite(first)
        assert first == second
