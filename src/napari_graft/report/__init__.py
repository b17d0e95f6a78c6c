"""The page that shows a finished loop to the person who ran it: what came out, from what, and how sure."""

from napari_graft.report.record import LoopRecord, Overview, Panel, SuggestedTile
from napari_graft.report.write import write_report

__all__ = ["LoopRecord", "Overview", "Panel", "SuggestedTile", "write_report"]
