"""What a merged model is made of, level by level, in bars."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from napari_graft._qt.tabs.train_words import describe_shares
from napari_graft._qt.widgets.basics import clear, column, text
from napari_graft.workbench.made_of import MadeOf

COLOURS = ("#4c8dff", "#f0a030", "#57b37f", "#c07ae0", "#e05c6e")
"""Of the models in their order, beginning with two that everybody tells apart; then again from the first."""


class ShareBar(QWidget):
    """Bar of shares side by side.

    Parameters
    ----------
    shares
        They sum to 1.
    """

    def __init__(self, shares: Sequence[float]) -> None:
        super().__init__()
        self.shares = tuple(shares)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(" · ".join(f"{share:.0%}" for share in shares))

    def sizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Return the usual size."""
        return QSize(90, 10)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - the name is Qt's
        """Draw the parts."""
        painter = QPainter(self)
        left = 0.0
        for share, colour in zip(self.shares, _colours(len(self.shares)), strict=True):
            width = share * self.width()
            painter.fillRect(QRectF(left, 0, width, self.height()), QColor(colour))
            left += width
        painter.end()


class SharesBox(QWidget):
    """Widget with what a merged model is made of; hidden where nothing was merged."""

    def __init__(self) -> None:
        super().__init__()
        self.words = text()
        self.legend = text()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.bars = QWidget()
        self._grid = QGridLayout(self.bars)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self.setLayout(column(self.words, self.legend, self.bars, spacing=4))
        self.hide()

    def show_shares(self, made: MadeOf | None) -> None:
        """Show the shares of a round, or nothing."""
        clear(self._grid)
        self.setVisible(made is not None and bool(made.shares))
        if made is None:
            return
        self.words.setText(describe_shares(made))
        named = zip(_colours(len(made.titles)), made.titles, strict=True)
        marks = [f'<span style="color:{colour}">■</span> {escape(title)}' for colour, title in named]
        self.legend.setText("<br>".join(marks))
        for place, level in enumerate(made.levels):
            self._grid.addWidget(text(level.title, "faint"), place, 0)
            self._grid.addWidget(ShareBar(level.shares), place, 1)


def _colours(n: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]
