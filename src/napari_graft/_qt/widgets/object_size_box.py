"""How wide the wanted objects are: a field, where it is known from, and a circle on the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QCheckBox, QLineEdit, QWidget

from napari_graft._napari.images import shape_of
from napari_graft._napari.object_circle import CircleLayer, middle_of_view
from napari_graft._qt.binding import bind, listen, silenced
from napari_graft._qt.tabs.data_words import words_of_diameter
from napari_graft._qt.widgets.basics import column, row, set_look, text
from napari_graft.session.object_diameter import rounded_diameter
from napari_graft.workbench.object_circle import ObjectCircle
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_TIP = "Width of a typical object, in pixels of the image; leave it empty to let the program find it"
_DRAG = "Drag the circle onto one, and pull its rim until it fits."
_LARGE = "So large are objects for the model."
_UNKNOWN = "How large objects are is not known yet."


class ObjectSizeBox(QWidget):
    """Widget that shows and changes the width of the objects.

    Parameters
    ----------
    workbench, viewer
        What the box shows, and where the circle is drawn.
    image
        Returns the layer of the chosen image, None where there is none.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer, image: Callable[[], Image | None]) -> None:
        super().__init__()
        self._data, self._model = workbench.data, workbench.data.objects
        self._viewer, self._image = viewer, image
        self._layer = CircleLayer(
            viewer, self._model.drag_circle, self._model.drop_circle, self._model.hide_circle
        )
        self.field = QLineEdit()
        self.field.setFixedWidth(56)
        self.words = text("", "faint")
        self.circle = QCheckBox("Show a circle on the image")
        self.hint = text("", "faint")
        line = row(text("Objects are about"), self.field, text("pixels wide"), 1, spacing=4)
        layout = column(spacing=4)
        layout.addLayout(line)
        for widget in (self.words, self.circle, self.hint):
            layout.addWidget(widget)
        self.setLayout(layout)
        self._connect(workbench)

    def _connect(self, workbench: Workbench) -> None:
        state = self._data.state
        self.field.editingFinished.connect(self._on_edited)
        self.circle.toggled.connect(self._on_circle_toggled)
        for field in ("object_diameter", "known_diameter"):
            bind(self, state, field, lambda _: self._show_diameter())
        for field in ("diameter_error", "fixed", "pixel_size", "unit", "image", "is_of_project"):
            bind(self, state, field, lambda _: self._show_words())
        bind(self, state, "circle", self._show_circle)
        listen(self, self._model.noticed, show_info)
        listen(self, workbench.state.events.tab, lambda _: self._model.hide_circle())
        listen(self, workbench.annotating.state.events.current, self._on_tile_opened)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - the name is Qt's
        """Leave no circle behind where nothing is seen of what it means."""
        super().hideEvent(event)
        if not event.spontaneous():  # else the window was only made small
            self._model.hide_circle()

    def _on_edited(self) -> None:
        self._model.type_diameter(self.field.text())

    def _on_circle_toggled(self, is_on: bool) -> None:
        image = self._image()
        if is_on and image is not None:
            self._model.show_circle(middle_of_view(self._viewer, image), shape_of(image))
        else:
            self._model.hide_circle()

    def _on_tile_opened(self, tile: object) -> None:
        if tile is not None:
            self._model.hide_circle()

    def _show_diameter(self) -> None:
        state = self._data.state
        with silenced(self.field):
            self.field.setText("" if state.object_diameter is None else f"{state.object_diameter:g}")
        known = state.known_diameter.pixels
        self.field.setPlaceholderText("?" if known is None else f"{rounded_diameter(known):g}")
        self._show_words()

    def _show_words(self) -> None:
        state = self._data.state
        self.words.setText(words_of_diameter(state))
        set_look(self.words, "warning" if state.diameter_error else "faint")
        self.field.setEnabled(not state.fixed)
        self.field.setToolTip(state.fixed or _TIP)
        self.circle.setEnabled(state.image is not None)
        said = _UNKNOWN if state.known_diameter.pixels is None else _LARGE
        self.hint.setText(said if state.fixed else f"{said} {_DRAG}")

    def _show_circle(self, circle: ObjectCircle | None) -> None:
        image = self._image()
        with silenced(self.circle):
            self.circle.setChecked(circle is not None)
        self.hint.setVisible(circle is not None)
        if circle is None or image is None:
            self._layer.hide()
        else:
            self._layer.show(image, circle, is_fixed=bool(self._data.state.fixed))
