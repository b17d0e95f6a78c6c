"""Contract tests for parts that plugins provide: subclass one, and pytest runs it on your part."""

from napari_graft.testing.bridging import BridgeLossContract, BridgeMethodContract
from napari_graft.testing.contracts import (
    ExportFormatContract,
    FormatContract,
    JobContract,
    MergeMethodContract,
    ScorerContract,
    StrategyContract,
)
from napari_graft.testing.pretraining import ObjectiveContract, ReplayContract

__all__ = [
    "BridgeLossContract",
    "BridgeMethodContract",
    "ExportFormatContract",
    "FormatContract",
    "JobContract",
    "MergeMethodContract",
    "ObjectiveContract",
    "ReplayContract",
    "ScorerContract",
    "StrategyContract",
]
