"""What enters and leaves on disk: images as lazy arrays, label sinks, weights, atomic files, downloads."""

from __future__ import annotations

from napari_graft.io.opening import open_labels, open_volume
from napari_graft.io.volume import LazyArray, Volume, check_image
from napari_graft.io.writers.sink import LabelSink, open_label_sink

__all__ = ["LabelSink", "LazyArray", "Volume", "check_image", "open_label_sink", "open_labels", "open_volume"]
