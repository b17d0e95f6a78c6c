"""Contract tests for parts that plugins provide: subclass one, and pytest runs it on your part."""

from napari_graft.testing.export_formats import ExportFormatContract
from napari_graft.testing.formats import FormatContract
from napari_graft.testing.jobs import JobContract
from napari_graft.testing.merge_methods import MergeMethodContract
from napari_graft.testing.scorers import ScorerContract
from napari_graft.testing.strategies import StrategyContract

__all__ = [
    "ExportFormatContract",
    "FormatContract",
    "JobContract",
    "MergeMethodContract",
    "ScorerContract",
    "StrategyContract",
]
