"""What every strategy keeps, whatever it goes by."""

from __future__ import annotations

import numpy as np
import pytest

from napari_graft.acquisition.candidates import Candidate, Strategy
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def make_candidates(n: int, seed: int = 0) -> list[Candidate]:
    """Return candidates in a row, side by side, with all that a strategy may go by."""
    rng = np.random.default_rng(seed)
    return [
        Candidate(
            Tile((0, 10 * i), (10, 10)),
            contrast=float(rng.uniform(0.1, 1.0)),
            uncertainty=float(rng.uniform()),
            embedding=rng.normal(size=8).astype(np.float32),
            patterns=rng.normal(size=(3, 8)).astype(np.float32),
            foreground=float(rng.uniform()),
        )
        for i in range(n)
    ]


class StrategyContract:
    """Tests of a `Strategy`: set `strategy`."""

    strategy: Strategy

    @pytest.mark.parametrize(("n_candidates", "n"), [(0, 2), (1, 1), (6, 3), (6, 9)])
    def test_it_returns_as_many_free_tiles_as_there_are(self, n_candidates: int, n: int) -> None:
        candidates = make_candidates(n_candidates)
        found = self.strategy.select(candidates, n, np.random.default_rng(0))

        tiles = [one.tile for one in found]
        assert len(tiles) <= min(n, n_candidates)
        assert len(set(tiles)) == len(tiles)
        assert set(tiles) <= {candidate.tile for candidate in candidates}
        assert all(one.reason for one in found)

    def test_it_suggests_nothing_that_overlaps_what_is_annotated(self) -> None:
        candidates = make_candidates(6)
        annotated = [candidates[1], candidates[4]]
        found = self.strategy.select(candidates, 6, np.random.default_rng(0), annotated=annotated)

        assert found
        assert not any(one.tile.overlaps(done.tile) for one in found for done in annotated)

    def test_the_same_generator_gives_the_same_tiles(self) -> None:
        candidates = make_candidates(8)
        first, second = (self.strategy.select(candidates, 4, np.random.default_rng(3)) for _ in range(2))

        assert first == second

    def test_it_refuses_a_negative_number(self) -> None:
        with pytest.raises(InputError):
            self.strategy.select(make_candidates(2), -1, np.random.default_rng(0))
