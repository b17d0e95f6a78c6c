"""What came of a training, in words and numbers, what it is made of, and keeping it or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget

from napari_graft._qt.train.words import (
    NOTE_ON_SIZE,
    describe_model,
    describe_outcome,
    describe_shares,
    describe_use,
    measure_name,
    measure_tip,
    number,
)
from napari_graft._qt.widgets.basics import Look, button, clear, column, row, set_look, text
from napari_graft.workbench.train.rounds import ComparedModel, MadeOf, Round

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


class OutcomeBox(QWidget):
    """Widget with the outcome of the last round.

    Parameters
    ----------
    on_decided
        Called with whether the round is to be kept.
    """

    def __init__(self, on_decided: Callable[[bool], None]) -> None:
        super().__init__()
        self.title = text("", "title")
        self.words = text()
        self.table = QWidget()
        self._grid = QGridLayout(self.table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self.note = text("", "faint")
        self.use = text()
        self.keep = button("Keep", lambda: on_decided(True), tip="Use this round from now on")
        self.roll_back = button(
            "Roll back", lambda: on_decided(False), tip="Use what was used before; this round stays on disk"
        )
        self.shares = SharesBox()
        layout = column(self.title, self.words, self.table, self.note, self.shares, self.use, spacing=4)
        layout.addLayout(row(self.keep, self.roll_back, 1))
        self.setLayout(layout)

    def show_round(self, last: Round) -> None:
        """Show a round and what it is compared with."""
        self.title.setText(f"Round {last.number}")
        self.words.setText(describe_outcome(last))
        looks: dict[bool | None, Look] = {True: "good", False: "warning", None: ""}
        set_look(self.words, looks[last.is_no_worse])
        self._fill_table(last)
        self.note.setText(
            NOTE_ON_SIZE.format(tiles="1 tile" if last.n_tiles == 1 else f"{last.n_tiles} tiles")
        )
        self.note.setVisible(last.models[0].loss is not None)
        self.shares.show_shares(last.made_of)
        self.use.setText(describe_use(last))
        self.keep.setEnabled(not last.is_kept)
        self.roll_back.setEnabled(last.is_kept)

    def _fill_table(self, last: Round) -> None:
        clear(self._grid)
        self.table.setVisible(last.models[0].loss is not None)
        self._add_row(0, "", measure_name(last.measure), "error", "faint")
        for i, model in enumerate(last.models, 1):
            self._add_model(i, last, model)
        self.table.setToolTip(measure_tip(last.measure))

    def _add_model(self, place: int, last: Round, model: ComparedModel) -> None:
        look: Look = "title" if model.who == "new" else ""
        self._add_row(place, describe_model(model, last), number(model.score), number(model.loss), look)

    def _add_row(self, place: int, name: str, score: str, loss: str, look: Look) -> None:
        for i, words in enumerate((name, score, loss)):
            label = text(words)
            label.setProperty("look", look)
            label.setWordWrap(i == 0)
            self._grid.addWidget(label, place, i)
