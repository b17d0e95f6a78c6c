"""What napari opens: a project becomes that of the dock, a segmentation gets its pixel size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, QTimer

from napari_graft._napari.images import image_layers, pixel_size_of, project_image, shape_of, unmark_images
from napari_graft._napari.layers import details_of, our_layers
from napari_graft._napari.placement import placement
from napari_graft._napari.project_layers import show_volume
from napari_graft._qt.widgets.binding import listen, listen_to_viewer
from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import open_volume
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image


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


class DroppedProjects(QObject):
    """Watches for layers that napari's reader made of a project, and shows the image of an opened one.

    Parameters
    ----------
    workbench, viewer
        What takes the project over, and where its layers appear.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._workbench = workbench
        self._viewer = viewer
        # The reader's layers come one by one: look when all are there.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._adopt)
        self._image: Image | None = None
        listen_to_viewer(self, viewer.layers.events.inserted, self._on_inserted)
        self._folder: Path | None = None
        listen(self, workbench.context.project_changed, self._on_project_changed)
        listen(self, workbench.data.lost_image.relinked, self._on_relinked)
        self._soon.start()

    def _on_inserted(self) -> None:
        if self._workbench.context.project is None:
            self._soon.start()
        else:
            self._watch_image()

    def _adopt(self) -> None:
        if self._workbench.context.project is not None or self._workbench.data.state.is_opening:
            return
        marked = [details_of(layer).get("project") for layer in our_layers(self._viewer, "image")]
        folder = next((Path(name) for name in reversed(marked) if name), None)
        if folder is None:
            return
        # The tabs draw tiles and results themselves, so that they can be worked on.
        for layer in our_layers(self._viewer, project=str(folder)):
            if details_of(layer).get("role") != "image":
                self._viewer.layers.remove(layer)
        self._workbench.data.open_folder(folder)

    def _on_project_changed(self) -> None:
        project = self._workbench.context.project
        before, self._folder = self._folder, None if project is None else project.folder
        if before is not None and before != self._folder:
            # Or the next layer that comes would open the project again, for its image is still there.
            unmark_images(self._viewer, before)
        self._show_image()
        self._watch_image()

    def _watch_image(self) -> None:
        """Hear when the pixels of the layer of the project's image are replaced."""
        project = self._workbench.context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        if image is not self._image:
            if self._image is not None:
                self._image.events.data.disconnect(self._on_pixels_replaced)
            if image is not None:
                image.events.data.connect(self._on_pixels_replaced)
            self._image = image

    def _on_pixels_replaced(self) -> None:
        """Let the layer be like any other: the project goes on with its image, which is shown anew."""
        project, image = self._workbench.context.project, self._image
        if project is None or image is None:
            return
        unmark_images(self._viewer, project.folder)
        self._show_image()
        self._watch_image()
        self._workbench.data.refused.emit(
            f"'{image.name}' was changed in napari. The project goes on with its image as it was, which is "
            "shown anew; for the changed one start another project."
        )

    def _on_relinked(self) -> None:
        """Show the image from where it is now in the layer that shows it, whatever lies on that."""
        project, image = self._workbench.context.project, self._image
        if project is None or image is None:
            return
        image.events.data.disconnect(self._on_pixels_replaced)
        try:
            show_volume(image, project.volume)
        finally:
            image.events.data.connect(self._on_pixels_replaced)

    def _show_image(self) -> None:
        """Add the image of a project that was opened from the dock, where no layer shows it."""
        project = self._workbench.context.project
        if project is None or any(our_layers(self._viewer, "image", project=str(project.folder))):
            return
        from napari.layers import Layer

        from napari_graft._napari.project_layers import image_layer

        self._viewer.add_layer(Layer.create(*image_layer(project)))
