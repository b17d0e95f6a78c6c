"""Contract tests for parts that plugins provide: subclass one, and pytest runs it on your part."""

from napari_graft.testing.contracts import (
    BridgeLossContract,
    BridgeMethodContract,
    ExportFormatContract,
    FormatContract,
    JobContract,
    MergeMethodContract,
    ObjectiveContract,
    ReplayContract,
    ScorerContract,
    StrategyContract,
)

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
