"""The page that shows a finished loop to the person who ran it: what came out, from what, and how sure."""

from napari_graft.report.page import write_report
from napari_graft.report.record import LoopRecord, Overview, Panel, SuggestedTile

__all__ = ["LoopRecord", "Overview", "Panel", "SuggestedTile", "write_report"]
