"""What is compared, how it is shown, which model is preferred, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QCheckBox,
    QHeaderView,
    QMenu,
    QPushButton,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_graft._qt.widgets.basics import button, card, column, flow, row, text
from napari_graft._qt.widgets.binding import silenced
from napari_graft.core.strings import shorten
from napari_graft.segmentation.objects import Kind, ObjectDifference
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, Mode, ModelOption
from napari_graft.workbench.compare.model import ComparingState, preference_words


def hint_words(state: ComparingState, has_project: bool) -> str:
    """Say what can be done."""
    if not has_project:
        return "Start a project in the tab Data. Then sources and rounds can be compared on your image."
    if state.is_comparing:
        return "Segmenting the same place with each of them…"
    return "Choose two to four sources or rounds, and see them on the same place."


def agreement_words(comparison: Comparison | None) -> str:
    """Say how much the models agree."""
    if comparison is None or comparison.agreement is None:
        return ""
    return f"They agree on {comparison.agreement:.0%} of the pixels here."


def model_words(state: ComparingState, index: int) -> str:
    """Say how many objects a compared model finds, and how often it was preferred."""
    comparison = state.comparison
    if comparison is None:
        return ""
    n, reference = comparison.n_objects[index], comparison.choices[index].reference
    votes = preference_words(state.votes, reference)
    return " · ".join(part for part in (f"{n} object{'' if n == 1 else 's'}", votes) if part)


def difference_words(comparison: Comparison | None) -> str:
    """Say what the table of objects lists."""
    if comparison is None or len(comparison.choices) < 2:
        return ""
    if not comparison.differences:
        return "All objects of the first are found by the second as well."
    n = len(comparison.differences)
    return f"Of the {comparison.n_objects[0]} objects of the first, the second shows {n} differently:"


_LONGEST = 26


class Chips(QWidget):
    """Widget to choose a few of many; emits `added` and `removed` with a reference."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, words: str) -> None:
        super().__init__()
        self.chips: dict[str, QPushButton] = {}
        self.menu = QMenu(self)
        self.add = QPushButton(words)
        self.add.setProperty("look", "quiet")
        self.add.setMenu(self.menu)
        self._layout = QFlowLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.add)

    def show_choices(self, chosen: Sequence[ModelOption], options: Sequence[ModelOption], most: int) -> None:
        """Show what is chosen, and offer the rest while there is room."""
        for chip in self.chips.values():
            self._layout.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = {choice.reference: self._chip(choice) for choice in chosen}
        self._layout.removeWidget(self.add)
        for chip in (*self.chips.values(), self.add):
            self._layout.addWidget(chip)
        self.menu.clear()
        for choice in options:
            if choice not in chosen:
                self.menu.addAction(choice.title).triggered.connect(partial(self._on_added, choice.reference))
        self.add.setVisible(len(chosen) < most and not self.menu.isEmpty())

    def _chip(self, choice: ModelOption) -> QPushButton:
        short = shorten(choice.title, _LONGEST)
        tip = f"{choice.title}: click to take it away"
        return button(f"{short}  ✕", partial(self._on_removed, choice.reference), look="chip", tip=tip)

    def _on_added(self, reference: str, _: bool = False) -> None:
        self.added.emit(reference)

    def _on_removed(self, reference: str) -> None:
        self.removed.emit(reference)


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


class Contenders(QWidget):
    """Widget with what each model found, to vote on; emits `preferred` with a reference."""

    preferred = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)

    def show_state(self, state: ComparingState) -> None:
        """Show the comparison of a state, nothing where there is none."""
        while self._layout.count():
            line = self._layout.takeAt(0).widget()
            line.hide()
            line.deleteLater()
        self.buttons = {}
        for i, choice in enumerate(() if state.comparison is None else state.comparison.choices):
            self._layout.addWidget(self._line(state, i, choice.reference, choice.title))

    def _line(self, state: ComparingState, index: int, reference: str, title: str) -> QWidget:
        is_preferred = state.preferred == reference
        words = "Preferred ✓" if is_preferred else "Prefer this one"
        prefer = button(words, partial(self.preferred.emit, reference))
        prefer.setEnabled(state.preferred is None)
        self.buttons[reference] = prefer
        line = card(text(title))
        below = row(text(model_words(state, index), "faint"), prefer)
        below.setStretch(0, 1)
        line.layout().addLayout(below)
        return line


_WORDS: dict[Kind, str] = {
    "missed": "missed",
    "merged": "merged with another",
    "split": "split into parts",
    "changed": "another outline",
}
_MOST, _HEIGHT = 200, 150


class DifferenceTable(QTableWidget):
    """Table of objects that differ, the largest first; emits `pointed` with the one that the user clicks."""

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, 2)
        self._differences: tuple[ObjectDifference, ...] = ()
        self.setHorizontalHeaderLabels(["Object", "Size"])
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setMinimumHeight(_HEIGHT)
        self.currentCellChanged.connect(self._on_cell_changed)
        self.cellClicked.connect(self._on_cell_clicked)

    def show_differences(self, differences: Sequence[ObjectDifference]) -> None:
        """Show the largest of these."""
        self._differences = ()
        self.setRowCount(0)
        shown = tuple(differences[:_MOST])
        self.setRowCount(len(shown))
        for i, one in enumerate(shown):
            size = QTableWidgetItem(f"{one.n_pixels:,} px")
            size.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for place, item in enumerate((QTableWidgetItem(_WORDS[one.kind]), size)):
                item.setToolTip(
                    f"Object {one.id}: overlap with the most similar one {one.iou:.0%}. Click to go there."
                )
                self.setItem(i, place, item)
        self._differences = shown

    def _on_cell_changed(self, row: int) -> None:
        if 0 <= row < len(self._differences):
            self.pointed.emit(self._differences[row])

    def _on_cell_clicked(self, row: int) -> None:
        # Once more for the one that is current already: the user may have moved the camera away.
        self._on_cell_changed(row)
