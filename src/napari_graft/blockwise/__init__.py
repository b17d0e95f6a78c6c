"""Segment images of any size block by block."""

from __future__ import annotations

from napari_graft.blockwise.segment import SegmentOptions, SegmentResult, segment_volume

__all__ = ["SegmentOptions", "SegmentResult", "segment_volume"]
