"""The trial of the best sources: the plan, the button that runs it, and who won."""

from __future__ import annotations

from qtpy.QtWidgets import QDoubleSpinBox, QGridLayout, QWidget

from napari_graft._qt.sources.words import (
    button_tip,
    button_words,
    describe_measure,
    describe_missing,
    describe_plan,
    describe_winner,
    outcome_cells,
)
from napari_graft._qt.widgets.basics import Look, button, clear, column, flow, set_look, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft.project.run_store import StoredTrial
from napari_graft.workbench.sources.trial_model import TrialModel


class TrialBox(QWidget):
    """Widget that shows and runs the trial; hidden while there is nothing to propose.

    Parameters
    ----------
    model
        What is shown.
    """

    def __init__(self, model: TrialModel) -> None:
        super().__init__()
        self._model = model
        self.plan = text()
        self.missing = text("", "warning")
        self.minutes = QDoubleSpinBox()
        self.minutes.setRange(0.1, 600)
        self.minutes.setDecimals(1)
        self.minutes.setSuffix(" min in all")
        self.minutes.setToolTip("Training time that you mean to spend; the trial takes a third of it at most")
        self.go_on = button("Try them", self._on_clicked)
        self.more = MoreOptions(model.options, ("steps", "device", "seed"), "Options of the trial")
        self.winner = text()
        self.table = QWidget()
        self._grid = QGridLayout(self.table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self.outcome = QWidget()
        self.outcome.setLayout(column(self.winner, self.table, spacing=4))
        self.refusal = text("", "error")
        title = text("Which one learns your image best?", "title")
        row = flow(self.minutes, self.go_on)
        self.setLayout(
            column(title, self.plan, self.missing, row, self.more, self.refusal, self.outcome, spacing=4)
        )
        self._connect()

    def _connect(self) -> None:
        state = self._model.state
        self.refusal.hide()
        self.minutes.valueChanged.connect(lambda minutes: setattr(state, "minutes", minutes))
        bind(self, state, "minutes", self._show_minutes)
        for field in ("plan", "titles", "obstacle", "n_missing", "is_trying"):
            bind(self, state, field, lambda _: self._show_plan())
        bind(self, state, "last", self._show_outcome)
        listen(self, self._model.refused, self._show_refusal)

    def _on_clicked(self) -> None:
        self.refusal.hide()
        self._model.go_on()

    def _show_minutes(self, minutes: float) -> None:
        with silenced(self.minutes):
            self.minutes.setValue(minutes)

    def _show_plan(self) -> None:
        state = self._model.state
        self.plan.setText(describe_plan(state))
        self.plan.setToolTip("" if state.plan is None else "\n".join(state.plan.reasons))
        self.missing.setText(describe_missing(state))
        self.missing.setVisible(bool(state.n_missing))
        self.go_on.setText(button_words(state))
        self.go_on.setToolTip(button_tip(state))
        self.go_on.setEnabled(state.plan is not None and not state.is_trying)
        self.setVisible(state.plan is not None or bool(state.obstacle) or state.last is not None)

    def _show_outcome(self, last: StoredTrial | None) -> None:
        self.outcome.setVisible(last is not None)
        self._show_plan()
        clear(self._grid)
        if last is None:
            return
        self.winner.setText(describe_winner(last))
        set_look(self.winner, "good" if last.kept else "")
        measure, meaning = describe_measure(last)
        self.table.setToolTip(meaning)
        self._add_row(0, ("", f"{measure} before", "after"), "faint")
        for place, one in enumerate(last.outcomes, 1):
            look: Look = "title" if one.source == last.winner else ""
            self._add_row(place, outcome_cells(one, last.winner), look)

    def _add_row(self, place: int, cells: tuple[str, ...], look: Look) -> None:
        for i, words in enumerate(cells):
            label = text(words, look)
            label.setWordWrap(i == 0)
            self._grid.addWidget(label, place, i)

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.show()
