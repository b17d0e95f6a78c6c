"""What may bring the image closer to the sources."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QWidget

from napari_graft._qt.tabs.sources_words import advice_words, is_swap
from napari_graft._qt.widgets.basics import button, card, column, text
from napari_graft.project.ranking import RankedEntry


class AdviceCard(QWidget):
    """Show the advice that came with a ranking, and do what a click can do about it."""

    def __init__(self, on_swap: Callable[[], None]) -> None:
        super().__init__()
        self.words = text("", "warning")
        self.swap = button("Swap dark and bright", on_swap, tip="Also ranks the sources again")
        self.setLayout(column(card(self.words, self.swap)))

    def show_advice(self, advised: RankedEntry | None) -> None:
        """Show the advice of a source, or nothing."""
        self.words.setText(advice_words(advised))
        self.words.setToolTip("" if advised is None else advised.remedy or "")
        self.swap.setVisible(is_swap(advised))
        self.setVisible(advised is not None)
