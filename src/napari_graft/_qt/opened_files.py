"""Segmentations that are opened by napari's own reader get the pixel size that their file states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject

from napari_graft._napari.images import image_layers, pixel_size_of, shape_of
from napari_graft._napari.layers import details_of
from napari_graft._napari.placement import placement
from napari_graft._qt.binding import listen_to_viewer
from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import open_volume
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_BUILTIN_READER = "napari"


class OpenedFiles(QObject):
    """Sets the scale of layers opened by File ▸ Open, since napari's reader leaves the pixel size unread.

    A segmentation is placed unless it lies on an image that is not placed either, any other image only where
    it lies on one that has the size that it states.

    Parameters
    ----------
    workbench, viewer
        What reads files, and where the layers appear.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(viewer.window._qt_window)  # napari offers no public way to its window
        self._jobs = workbench.context.jobs
        self._viewer = viewer
        listen_to_viewer(self, viewer.layers.events.inserted, self._on_inserted)

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        if not isinstance(layer, Image | Labels) or not _is_unplaced(layer) or details_of(layer):
            return
        path = layer.source.path
        if path is None or layer.source.reader_plugin != _BUILTIN_READER:
            return
        shape = _shape(layer)

        def read(report: Report, cancel: CancelToken) -> Axes | None:
            try:
                volume = open_volume(path)
            except InputError:  # napari could read it, and that is enough here
                return None
            return volume.axes if volume.shape == shape else None

        self._jobs.start(
            "Reading a pixel size", read, lane="files", on_done=lambda axes: self._place(layer, axes)
        )

    def _place(self, layer: Layer, axes: Axes | None) -> None:
        sizes = None if axes is None else axes.pixel_size_in("nm")
        if axes is None or sizes is None or layer not in self._viewer.layers or not _is_unplaced(layer):
            return
        beneath = [
            pixel_size_of(image)
            for image in image_layers(self._viewer)
            if image is not layer and shape_of(image) == _shape(layer)
        ]
        fits = any(known is not None and np.allclose(known, sizes, rtol=1e-3) for known in beneath)
        if fits or (isinstance(layer, Labels) and not beneath):
            place = placement(axes)
            layer.scale, layer.units = place["scale"], place["units"]


def _shape(layer: Image | Labels) -> tuple[int, ...]:
    if isinstance(layer, Image):
        return shape_of(layer)
    return tuple((layer.data[0] if layer.multiscale else layer.data).shape)


def _is_unplaced(layer: Layer) -> bool:
    return bool(np.all(np.asarray(layer.scale) == 1)) and {str(unit) for unit in layer.units} <= {"pixel"}
