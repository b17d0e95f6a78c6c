"""Fields for the length of a pixel along each axis."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from napari_graft._qt.binding import silenced
from napari_graft._qt.widgets.basics import text
from napari_graft.core.axes import nanometres_per

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
