"""What to look at: the list of objects that may be wrong, and a verdict on each."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QProgressBar,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_graft._napari.keys import proofread_key_of, proofread_tip
from napari_graft._qt.widgets.basics import button, card, column, flow, text
from napari_graft._qt.widgets.binding import bind, silenced
from napari_graft.workbench.proofread.review import ReviewEntry
from napari_graft.workbench.workbench import Workbench

_HEIGHT = 170
_STATES = {None: "open", "fixed": "fixed", "accepted": "accepted", "skipped": "skipped"}
_FAINT = QColor(128, 128, 128)


class SuspicionTable(QTableWidget):
    """Table of objects that may be wrong, the most gain first; emits `pointed` with the place of a row."""

    pointed = Signal(int)

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.setHorizontalHeaderLabels(["Why", "Object", "State"])
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setMinimumHeight(_HEIGHT)
        self.cellClicked.connect(lambda place, _: self.pointed.emit(place))

    def show_entries(self, entries: Sequence[ReviewEntry]) -> None:
        """Show these."""
        self.setRowCount(len(entries))
        for place, entry in enumerate(entries):
            one = entry.suspicion
            words = (one.reason.capitalize(), " + ".join(map(str, one.ids)), _STATES[entry.verdict])
            for column_number, shown in enumerate(words):
                item = QTableWidgetItem(shown)
                item.setToolTip(f"{one.words[:1].upper()}{one.words[1:]}. Click to go there.")
                if entry.verdict is not None:
                    item.setForeground(_FAINT)
                self.setItem(place, column_number, item)

    def show_current(self, place: int | None) -> None:
        """Select a row, and bring it into view."""
        with silenced(self):
            self.clearSelection()
            if place is not None:
                self.selectRow(place)
                self.scrollToItem(self.item(place, 0))


class ReviewBox(QWidget):
    """Widget in which suspicious objects are found and judged.

    Parameters
    ----------
    workbench
        Whose.
    """

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._model = workbench.review
        self._tools = workbench.click_tools
        self.find = button(
            "Find suspicious objects", self._model.find, tip="The most worth a look come first"
        )
        self.stop = button("Stop", self._model.stop)
        self.finding = QProgressBar()
        self.finding.setTextVisible(False)
        self.progress = text("", "faint")
        self.table = SuspicionTable()
        self._make_current()
        layout = column(text("What to look at", "title"), flow(self.find, self.stop))
        for widget in (self.finding, self.progress, self.table, self.current):
            layout.addWidget(widget)
        self.setLayout(layout)
        self.table.pointed.connect(self._model.go_to)
        state = self._model.state
        bind(self, state, "entries", self._show_entries)
        bind(self, state, "current", self._show_current)
        bind(self, state, "is_finding", self._show_finding)
        bind(self, state, "fraction", self._show_fraction)

    def _make_current(self) -> None:
        model = self._model
        self.words = text()
        yes = f"Yes, merge  {proofread_key_of('join')}"
        self.yes = button(yes, model.join, look="primary", tip=proofread_tip("join"))
        self.accept = button("", model.accept, tip=proofread_tip("accept"))
        self.skip = button(
            f"Skip  {proofread_key_of('skip object')}", model.skip, tip=proofread_tip("skip object")
        )
        self.propose = button(
            "Show a split", self._on_propose_clicked, tip="Shows where it would be cut; Enter does it"
        )
        self.previous = button(
            f"Back  {proofread_key_of('previous object')}",
            model.previous,
            tip=proofread_tip("previous object"),
        )
        self.next = button(
            f"Next  {proofread_key_of('next object')}", model.next, tip=proofread_tip("next object")
        )
        answers = flow(self.yes, self.propose, self.accept, self.skip, self.previous, self.next)
        answers.setObjectName("answers")
        answers.setStyleSheet("#answers { background: transparent; }")  # that of the card is seen
        self.current = card(self.words, answers)

    def _on_propose_clicked(self) -> None:
        entry = self._model.state.entry
        if entry is not None:
            self._tools.propose_split(entry.suspicion.seeds)

    def _show_entries(self, entries: tuple[ReviewEntry, ...]) -> None:
        self.table.show_entries(entries)
        self.table.setVisible(bool(entries))
        self.current.setVisible(bool(entries))
        self.find.setText("Find again" if entries else "Find suspicious objects")
        self.progress.setText(f"{self._model.state.n_seen} of {len(entries)} looked at")
        self.progress.setVisible(bool(entries))
        self._show_current(self._model.state.current)

    def _show_current(self, place: int | None) -> None:
        self.table.show_current(place)
        entry = self._model.state.entry
        for widget in (self.yes, self.propose, self.accept, self.previous, self.skip):
            widget.setVisible(entry is not None)
        if entry is None:
            self.words.setText("Go through them with Next: what is most worth a look comes first.")
            return
        one = entry.suspicion
        why = f"{one.reason.capitalize()}: {one.words}."
        said = "" if entry.verdict is None else f" ({entry.verdict})"
        question = f"Are {one.ids[0]} and {one.ids[-1]} one object? " if one.is_question else ""
        object_words = "" if one.is_question else f"Object {one.ids[0]}. "
        self.words.setText(f"{question}{object_words}{why}{said}")
        self.yes.setVisible(one.is_question)
        self.propose.setVisible(len(one.seeds) > 1)
        words = "No, two" if one.is_question else "It is right"
        self.accept.setText(f"{words}  {proofread_key_of('accept')}")

    def _show_finding(self, is_finding: bool) -> None:
        self.find.setEnabled(not is_finding)
        self.stop.setVisible(is_finding)
        self.finding.setVisible(is_finding)

    def _show_fraction(self, fraction: float | None) -> None:
        self.finding.setRange(0, 0 if fraction is None else 100)
        self.finding.setValue(round(100 * (fraction or 0)))
