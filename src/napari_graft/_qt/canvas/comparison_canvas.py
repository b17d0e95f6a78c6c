"""Keep the comparison in the viewer in step with that of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QWidget

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.images import project_image
from napari_graft._qt.shell.event_loop import Stepper
from napari_graft._qt.widgets.binding import listen
from napari_graft.core.errors import InputError
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Image


class ComparisonHost(QObject):
    """Place for one comparison at a time in a viewer.

    Parameters
    ----------
    owner
        The tab that shows the model.
    workbench, viewer
        Whose project, and where.
    close
        Lets the model know that its comparison is shown no longer.
    """

    def __init__(
        self, owner: QWidget, workbench: Workbench, viewer: Viewer, close: Callable[[], None]
    ) -> None:
        super().__init__(owner)
        self._workbench = workbench
        self._viewer = viewer
        self._close = close
        self._shown: Comparison | None = None
        self._is_showing = False
        self._stepper = Stepper(self)
        self._view = comparison_view_of(viewer)
        listen(self, self._view.closed, self._on_closed)
        listen(self, self._view.disturbed, self._on_disturbed)
        listen(self, workbench.state.events.tab, self._on_tab_changed)

    def image(self) -> Image:
        """Return the layer with the image of the project.

        Raises
        ------
        InputError
            If no project is open, or the layer was removed.
        """
        project = self._workbench.context.require_project()
        image = project_image(self._viewer, project.folder)
        if image is None:
            raise InputError("the image of the project is not in this window: open it again")
        return image

    def show(self, comparison: Comparison | None, display: DisplayOptions) -> None:
        """Show a comparison in place of that of this host, layer by layer; None closes it.

        Raises
        ------
        InputError
            If there is no image to show it on.
        """
        shown, self._shown = self._shown, comparison
        if comparison is None:
            if shown is not None and self._view.comparison is shown:
                self._view.close()
                self._stepper.begin(self._view.clear_away())
        elif self._view.comparison is not comparison:  # a second dock may have shown it
            image = self.image()
            self._is_showing = True
            steps = self._view.show(comparison, image, display)
            self._is_showing = False
            self._viewer.status = "Showing the comparison…"
            self._stepper.begin(steps)

    def apply(self, display: DisplayOptions) -> None:
        """Show the comparison in another way."""
        if self._shown is not None and self._view.comparison is self._shown:
            self._view.apply(display)

    def _on_closed(self) -> None:
        # Closed by the user or in favour of another's comparison, and not to make room for the next of ours.
        if self._shown is not None and not self._is_showing:
            self._shown = None
            self._stepper.begin(self._view.clear_away())
            self._close()

    def _on_disturbed(self) -> None:
        # Not now: the list of layers is about to tell others what happened to it.
        QTimer.singleShot(0, self._view.settle)

    def _on_tab_changed(self, tab: TabName) -> None:
        if tab == "annotate" and self._shown is not None:
            self._close()  # the tile to paint must be seen
