"""Fields for the length of a pixel along each axis."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from napari_graft._qt.binding import silenced
from napari_graft._qt.widgets.basics import text

UNITS = ("nm", "µm", "mm")
_AS_READ = {"um": "µm"}


class PixelSizeFields(QWidget):
    """Let the user see and type the pixel size; emits `edited` when it was typed."""

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
        for name, label, field in zip("zyx", self._labels, self.fields, strict=True):
            field.setPlaceholderText("?")
            field.setMinimumWidth(36)
            field.setToolTip(f"Length of a pixel along {name}")
            field.editingFinished.connect(self.edited)
            layout.addWidget(label)
            layout.addWidget(field, 1)
        self.unit.currentTextChanged.connect(lambda _: self.edited.emit())
        layout.addWidget(self.unit)
        self.setLayout(layout)

    @property
    def pixel_size(self) -> tuple[float, ...] | None:
        """What was typed, None unless all fields hold a number."""
        try:
            return tuple(float(field.text().replace(",", ".")) for field in self._shown)
        except ValueError:
            return None

    def show_axes(self, ndim: int) -> None:
        """Show a field for z or not."""
        for widget in (self._labels[0], self.fields[0]):
            widget.setVisible(ndim == 3)

    def show_size(self, pixel_size: tuple[float, ...] | None, unit: str) -> None:
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

    @property
    def _shown(self) -> list[QLineEdit]:
        return [field for field in self.fields if not field.isHidden()]
