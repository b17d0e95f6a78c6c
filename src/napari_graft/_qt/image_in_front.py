"""Keep the image of the project in front of all others while a tile of it is painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.images import project_image
from napari_graft._napari.layers import details_of
from napari_graft._napari.spotlight import Spotlight
from napari_graft._qt.binding import bind, listen, listen_to_viewer
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_ELSEWHERE: tuple[TabName, ...] = ("data", "sources", "compare")
"""Tabs in which nobody paints: all images are seen there."""


class ImageInFront(QObject):
    """Hides other layers when a tile is opened, says so, and shows them again when painting is over.

    Parameters
    ----------
    workbench, viewer
        Whose tile, and where the images are.
    """

    def __init__(self, owner: QObject, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(owner)
        self._context = workbench.context
        self._model = workbench.annotating
        self._viewer = viewer
        self._spotlight = Spotlight(viewer, self._on_other_shown)
        # Soon: whoever opens a tile, or selects a layer, has more to do to it.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._settle)
        bind(self, self._model.state, "painting", lambda _: self._soon.start(0))
        listen(self, workbench.state.events.tab, self._on_tab_changed)
        listen(self, comparison_view_of(viewer).closed, lambda: self._soon.start(0))
        listen_to_viewer(self, viewer.layers.selection.events.active, self._on_active_changed)

    def _settle(self) -> None:
        """Show what is painted, or all."""
        project = self._context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        if self._model.state.painting is None or image is None:
            self._spotlight.release()
            return
        hidden = self._spotlight.shine(image)
        if hidden:
            names = ", ".join(f"'{layer.name}'" for layer in hidden)
            self._model.told.emit(f"Hidden while you paint on '{image.name}': {names}.")

    def _on_tab_changed(self, tab: TabName) -> None:
        if tab in _ELSEWHERE:
            self._soon.stop()
            self._spotlight.release()
        else:
            self._soon.start(0)

    def _on_active_changed(self) -> None:
        active = self._viewer.layers.selection.active
        if self._model.state.painting is None or active is None:
            return
        details = details_of(active)
        if details.get("is_tile"):
            self._soon.start(0)
        elif self._spotlight.is_on and self._is_other(active):
            self._model.refused.emit(
                f"'{active.name}' is selected, which does not belong to the tile: "
                "click the tile in the list to go on painting it"
            )

    def _is_other(self, layer: Layer) -> bool:
        """Say whether a layer is neither ours nor the image of the project."""
        project = self._context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        return layer is not image and details_of(layer).get("role", "image") in ("image", "truth")

    def _on_other_shown(self, layer: Layer) -> None:
        project = self._context.project
        name = "" if project is None else project.manifest.name
        self._model.refused.emit(
            f"'{layer.name}' is shown beside the tile: what you paint belongs to the image of {name}"
        )
