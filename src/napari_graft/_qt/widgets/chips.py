"""What is chosen as a row of chips, each of which can be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QPushButton, QWidget
from superqt import QFlowLayout

from napari_graft._qt.widgets.basics import button
from napari_graft.core.words import shorten
from napari_graft.workbench.comparison import ModelOption

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
