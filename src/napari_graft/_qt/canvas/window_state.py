"""Keep the window state of the project in step with the layers of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_graft._napari.images import project_image
from napari_graft._napari.window_state import LayerStates
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.project.documents import WindowState
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


LOOK_MILLISECONDS = 500
"""How often the layers are looked at: a brush that changes in many small steps is written twice a second."""


class WindowStateLink(QObject):
    """Link between the layers of a viewer and the window state of its project; one a viewer.

    Parameters
    ----------
    workbench, viewer
        Whose window state, and where the layers are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(viewer.window._qt_window)  # napari offers no public way to its window
        self._context = workbench.context
        self._model = workbench.window_state
        self._viewer = viewer
        self._layers = LayerStates(viewer)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self.look)
        # Soon, and not at once: whoever adds a layer has more to do to it.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.look)
        listen(self, self._context.project_changed, self._on_project_changed)
        listen(self, self._model.found, self._on_found)
        listen(self, self._model.wanted, self.look)
        bind(self, workbench.annotating.state, "painting", lambda _: self._look_soon())
        viewer.layers.events.inserted.connect(self._look_soon)
        self.destroyed.connect(lambda: viewer.layers.events.inserted.disconnect(self._look_soon))

    def look(self) -> None:
        """Bring back what has appeared, and tell the model how the layers are."""
        project = self._context.project
        if project is None or self._layers.is_compared:
            return
        self._layers.settle(project.folder)
        image = project_image(self._viewer, project.folder)
        name = "" if image is None else image.name
        self._model.note_layers(name, self._layers.visible(project.folder))
        if (tools := self._layers.tools) is not None:
            self._model.note_tools(*tools)

    def _look_soon(self) -> None:
        if self._context.project is not None:
            self._soon.start(0)

    def _on_project_changed(self) -> None:
        self._layers.forget()
        if self._context.project is None:
            self._timer.stop()
        else:
            self._timer.start()

    def _on_found(self, state: WindowState) -> None:
        self._layers.restore(state, self._context.require_project().folder)
