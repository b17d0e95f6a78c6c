"""How a comparison is shown: side by side, on each other or one at a time, how opaque, with the map."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QButtonGroup, QCheckBox, QPushButton, QSlider, QWidget

from napari_graft._qt.binding import silenced
from napari_graft._qt.widgets.basics import column, flow, row, text
from napari_graft.workbench.comparison import Comparison, DisplayOptions, Mode

_MODES: dict[Mode, tuple[str, str]] = {
    "grid": ("Side by side", "Each in a part of the canvas, with linked cameras"),
    "overlay": ("On each other", "The first filled, the others as outlines"),
    "blink": ("Blink", "One at a time; B shows the next"),
}


class DisplayControls(QWidget):
    """Controls of the display of a comparison; emits `mode_chosen`, `opacity_changed` and `map_toggled`."""

    mode_chosen = Signal(str)
    opacity_changed = Signal(float)
    map_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.modes: dict[Mode, QPushButton] = {}
        self._group = QButtonGroup(self)
        for mode, (words, tip) in _MODES.items():
            made = QPushButton(words)
            made.setCheckable(True)
            made.setToolTip(tip)
            made.setProperty("look", "quiet")
            made.clicked.connect(partial(self._on_mode_clicked, mode))
            self._group.addButton(made)
            self.modes[mode] = made
        key = text("B", "key")
        key.setWordWrap(False)
        self.front = text("", "faint")
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setToolTip("How opaque the objects are")
        self.opacity.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.map = QCheckBox("Disagreement in red")
        self.map.setToolTip("Show where they disagree: the redder, the more of them differ")
        self.map.toggled.connect(self.map_toggled)
        layout = column(spacing=4)
        layout.addWidget(flow(*self.modes.values(), key))
        layout.addWidget(self.front)
        layout.addLayout(row(text("Opacity"), self.opacity))
        layout.addWidget(self.map)
        self.setLayout(layout)

    def show_display(self, display: DisplayOptions, comparison: Comparison | None) -> None:
        """Show how it is shown now."""
        with silenced(self.opacity, self.map):
            self.modes[display.mode].setChecked(True)
            self.opacity.setValue(round(100 * display.opacity))
            self.map.setChecked(display.shows_disagreement)
        titles = [] if comparison is None else [choice.title for choice in comparison.choices]
        words = {"blink": "Shown now: {}", "overlay": "Filled: {}; the others are outlines"}.get(
            display.mode, ""
        )
        self.front.setText(words.format(titles[display.front]) if titles else "")
        self.front.setVisible(bool(words) and bool(titles))

    def _on_mode_clicked(self, mode: Mode, _: bool = False) -> None:
        self.mode_chosen.emit(mode)
