"""Fields for what is known of an image: its axes, the length of a pixel, the width of objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from napari.layers import Image
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtGui import QHideEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from napari_graft._napari.images import shape_of
from napari_graft._napari.overlays.object_circle import CircleLayer, middle_of_view
from napari_graft._qt.data.words import MEANINGS, names_of_parts, words_of_axes, words_of_diameter
from napari_graft._qt.widgets.basics import clear, column, row, set_look, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft.core.axes import nanometres_per
from napari_graft.session.projects.object_diameter import rounded_diameter
from napari_graft.workbench.data.layer_image import ExtraAxis
from napari_graft.workbench.data.model import DataModel
from napari_graft.workbench.data.state import ObjectCircle
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class AxisBox(QWidget):
    """Widget with a row for each axis, where the user says what it is.

    Parameters
    ----------
    model
        What is shown and told.
    """

    def __init__(self, model: DataModel) -> None:
        super().__init__()
        self._model = model
        self.meanings: list[QComboBox] = []
        self.parts: list[QComboBox] = []
        self.words = text("", "faint")
        rows = QWidget()
        self._grid = QGridLayout(rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(2, 1)
        self.setLayout(column(rows, self.words, spacing=2))
        bind(self, model.state, "extra_axes", self._show)

    def _show(self, extra: tuple[ExtraAxis, ...]) -> None:
        clear(self._grid)
        self.meanings, self.parts = [], []
        for i, one in enumerate(extra):
            meaning, part = self._meaning_of(one), self._part_of(one)
            label = text(f"Axis of {one.n}")
            label.setWordWrap(False)
            self._grid.addWidget(label, i, 0)
            self._grid.addWidget(meaning, i, 1)
            self._grid.addWidget(part, i, 2)
            part.setVisible(one.is_picked)
            self.meanings.append(meaning)
            self.parts.append(part)
        self.words.setText(words_of_axes(extra))
        is_open = any(one.meaning is None or (one.is_picked and one.index is None) for one in extra)
        set_look(self.words, "warning" if is_open else "faint")
        self.setVisible(bool(extra))

    def _meaning_of(self, one: ExtraAxis) -> QComboBox:
        box = QComboBox()
        for meaning in (None, *one.meanings) if one.meaning is None else one.meanings:
            box.addItem(MEANINGS[meaning], meaning)
        box.setCurrentIndex(box.findData(one.meaning))
        box.setToolTip("What lies along this axis: the file or napari may say it wrongly, or not at all")
        box.activated.connect(lambda _: self._model.description.take_axis_for(one.axis, box.currentData()))
        return box

    def _part_of(self, one: ExtraAxis) -> QComboBox:
        box = QComboBox()
        if one.index is None:
            box.addItem("choose…", None)
        for i, name in enumerate(names_of_parts(one)):
            box.addItem(name, i)
        box.setCurrentIndex(max(0, box.findData(one.index)))
        box.activated.connect(partial(self._take_part, one, box))
        return box

    def _take_part(self, one: ExtraAxis, box: QComboBox, _: int) -> None:
        self._model.description.take_axis_for(one.axis, one.meaning, box.currentData())


UNITS = ("nm", "µm", "mm")
_AS_READ = {"um": "µm"}


class PixelSizeFields(QWidget):
    """Fields that show and take the pixel size; emits `edited` when it was typed.

    What was typed stays as it is until another size is shown.
    """

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._labels = [text(name, "faint") for name in "zyx"]
        self.fields = [QLineEdit() for _ in "zyx"]
        self.unit = QComboBox()
        self.unit.addItems(UNITS)
        layout = QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for label, field in zip(self._labels, self.fields, strict=True):
            field.setPlaceholderText("?")
            field.setMinimumWidth(36)
            field.editingFinished.connect(self.edited)
            layout.addWidget(label)
            layout.addWidget(field, 1)
        self.unit.currentTextChanged.connect(lambda _: self.edited.emit())
        layout.addWidget(self.unit)
        self.setLayout(layout)
        self.show_fixed("")

    @property
    def names(self) -> str:
        """The axes that are shown, one letter each."""
        return "zyx"[-len(self._shown) :]

    @property
    def texts(self) -> tuple[str, ...]:
        """What stands in the fields."""
        return tuple(field.text() for field in self._shown)

    def show_axes(self, ndim: int) -> None:
        """Show a field for z or not."""
        for widget in (self._labels[0], self.fields[0]):
            widget.setVisible(ndim == 3)

    def show_size(self, pixel_size: Sequence[float] | None, unit: str) -> None:
        """Show a pixel size without taking it for typed."""
        unit = _AS_READ.get(unit, unit)
        with silenced(self.unit, *self.fields):
            if self.unit.findText(unit) < 0:
                self.unit.addItem(unit)
            self.unit.setCurrentText(unit)
            if pixel_size is None:
                for field in self.fields:
                    field.clear()
                return
            for field, size in zip(self._shown, pixel_size, strict=False):
                field.setText(f"{size:g}")

    def put_in_plane(self, nanometres: float) -> None:
        """Fill the fields of y and x as if that had been typed; how thick slices are is another matter."""
        slices = self.fields[0]
        if slices.isHidden() or not slices.text().strip():
            with silenced(self.unit):
                self.unit.setCurrentText("nm")
        for field in self.fields[1:]:
            field.setText(f"{nanometres / nanometres_per(self.unit.currentText()):g}")
        if not slices.isHidden() and not slices.text().strip():
            slices.setFocus()
        self.edited.emit()

    def show_fixed(self, reason: str) -> None:
        """Let nothing be typed where there is a reason, which the tooltips tell."""
        for name, field in zip("zyx", self.fields, strict=True):
            field.setReadOnly(bool(reason))
            field.setEnabled(not reason)
            field.setToolTip(reason or f"Length of a pixel along {name}")
        self.unit.setEnabled(not reason)
        self.unit.setToolTip(reason)

    @property
    def _shown(self) -> list[QLineEdit]:
        return [field for field in self.fields if not field.isHidden()]


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
