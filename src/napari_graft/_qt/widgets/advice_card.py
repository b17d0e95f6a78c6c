"""What may bring the image closer to the sources."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget

from napari_graft._qt.tabs.sources_words import advice_words
from napari_graft._qt.widgets.basics import card, column, text
from napari_graft.project.ranking import RankedEntry


class AdviceCard(QWidget):
    """Widget with the advice that came with a ranking."""

    def __init__(self) -> None:
        super().__init__()
        self.words = text("", "warning")
        self.setLayout(column(card(self.words)))

    def show_advice(self, advised: RankedEntry | None) -> None:
        """Show the advice of a source, or nothing."""
        self.words.setText(advice_words(advised))
        self.words.setToolTip("" if advised is None else advised.remedy or "")
        self.setVisible(advised is not None)
