"""The compared models below each other, each with a button to prefer it."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_graft._qt.tabs.compare_words import model_words
from napari_graft._qt.widgets.basics import button, card, row, text
from napari_graft.workbench.comparing import ComparingState


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
