"""The contracts that ship with the program, held by the program's own parts."""

from __future__ import annotations

from pathlib import Path

import pytest

import napari_graft
from napari_graft.acquisition.strategies import STRATEGIES
from napari_graft.bridging.losses.registry import BRIDGE_LOSSES
from napari_graft.bridging.registry import BRIDGE_METHODS
from napari_graft.exchange.formats import FORMATS
from napari_graft.merging.registry import MERGE_METHODS
from napari_graft.pretraining.registry import OBJECTIVES, REPLAYS
from napari_graft.session.exporting.formats import EXPORT_FORMATS
from napari_graft.sources.source import Source, open_source
from napari_graft.testing import (
    BridgeLossContract,
    BridgeMethodContract,
    ExportFormatContract,
    FormatContract,
    MergeMethodContract,
    ObjectiveContract,
    ReplayContract,
    StrategyContract,
)

SOURCES = Path(napari_graft.__file__).parent / "data" / "sources"


class TestStrategies(StrategyContract):
    """Every strategy."""

    @pytest.fixture(autouse=True, params=list(STRATEGIES))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.strategy = STRATEGIES[request.param]


class TestMergeMethods(MergeMethodContract):
    """Every merge method."""

    @pytest.fixture(autouse=True, params=list(MERGE_METHODS))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.method = MERGE_METHODS[request.param]


class TestBridgeMethods(BridgeMethodContract):
    """Every bridge method."""

    @pytest.fixture(autouse=True, params=list(BRIDGE_METHODS))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.method = BRIDGE_METHODS[request.param]


class TestBridgeLosses(BridgeLossContract):
    """Every loss of a bridge."""

    @pytest.fixture(autouse=True, params=list(BRIDGE_LOSSES))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.loss = BRIDGE_LOSSES[request.param]


class TestObjectives(ObjectiveContract):
    """Every self-supervised objective."""

    @pytest.fixture(autouse=True, params=list(OBJECTIVES))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.objective = OBJECTIVES[request.param]


class TestReplays(ReplayContract):
    """Every replay stream."""

    @pytest.fixture(autouse=True, params=list(REPLAYS))
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.replay = REPLAYS[request.param]


class TestExportFormats(ExportFormatContract):
    """Every format of objects."""

    @pytest.fixture(
        autouse=True, params=[name for name in EXPORT_FORMATS if EXPORT_FORMATS[name].needs == "objects"]
    )
    def _each(self, request: pytest.FixtureRequest) -> None:
        if request.param == "parquet":
            pytest.importorskip("pyarrow")
        self.format = EXPORT_FORMATS[request.param]


class TestFormats(FormatContract):
    """The formats of which our own sources come back whole."""

    @pytest.fixture(autouse=True, params=["graftsource", "bioimageio"])
    def _each(self, request: pytest.FixtureRequest) -> None:
        self.format = FORMATS[request.param]

    @pytest.fixture
    def source(self) -> Source:
        return open_source(SOURCES / "nuclei-he", "built-in")
