"""What napari-graft asks of a strategy, asked of this package's."""

from __future__ import annotations

from graft_sources_example.lowest_contrast import LowestContrast

from napari_graft.testing import StrategyContract


class TestLowestContrast(StrategyContract):
    """The contract of strategies."""

    strategy = LowestContrast()
