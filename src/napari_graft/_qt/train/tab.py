"""The tab Train: choose a start, train, see how it goes, and decide what is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from napari_graft._qt.train.curve_plots import CurvePlot, LearningCurvePlot
from napari_graft._qt.train.outcome_box import OutcomeBox
from napari_graft._qt.train.result_box import ResultBox
from napari_graft._qt.train.words import (
    BEFORE_FIRST_CURVE,
    describe_device,
    describe_progress,
    describe_unfinished,
)
from napari_graft._qt.widgets.basics import Folding, button, card, column, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft._qt.widgets.option_form import MoreOptions, bind_field, option_form
from napari_graft._qt.widgets.theme import palette_of
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.workbench.train.rounds import Round, StartPoint, Unfinished
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class TrainTab(QWidget):
    """Tab that shows and changes the model of the training, and shows what came of it.

    Parameters
    ----------
    workbench, viewer
        What the tab shows, and where the layers are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._context = workbench.context
        self._model = workbench.training
        self._viewer = viewer
        self.result = ResultBox(workbench, viewer)
        self._make_widgets()
        self._lay_out()
        self._connect()

    def _make_widgets(self) -> None:
        self.start = QComboBox()
        self.start.setToolTip("The model that the training begins with")
        self.start.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.budget = option_form(
            TrainRequest,
            ("seconds", "stops_when_flat"),
            start={"seconds": 60 * self._model.state.minutes},
            is_labelled=False,
        )
        self.minutes: Any = self.budget["seconds"]
        self.flat: Any = self.budget["stops_when_flat"]
        self.flat.native.setText("or when it stops improving")
        self.more = MoreOptions(self._model.options, ("steps", "device", "seed"), start={"seed": None})
        self.device = text("", "faint")
        self.train = button("Train", self._on_train_clicked, look="primary")
        self.train.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.obstacle = text("", "faint")
        self.progress = text()
        self.refusal = text("", "error")
        self.unfinished = text()
        self.go_on = button("Go on with it", self._on_go_on_clicked)
        self.cut_off = card(self.unfinished, self.go_on)
        self.plot = CurvePlot(BEFORE_FIRST_CURVE)
        self.outcome = OutcomeBox(self._on_decided)
        self.worth = LearningCurvePlot()

    def _lay_out(self) -> None:
        self.is_worth_it = Folding("Is more painting worth it?")
        self.is_worth_it.addWidget(self.worth)
        layout = column(
            text("Start from", "title"), self.start, text("Stop after", "title"), spacing=4, margin=6
        )
        for widget in (self.budget.native, self.more, self.device, self.cut_off, self.refusal):
            layout.addWidget(widget)
        layout.addWidget(self.train)
        for widget in (self.obstacle, self.progress, self.plot, self.outcome, self.result, self.is_worth_it):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        state = self._model.state
        self.start.currentIndexChanged.connect(self._on_start_chosen)
        bind_field(self, self.minutes, state, "minutes")
        bind_field(self, self.flat, state, "stops_when_flat")
        self._viewer.events.theme.connect(self._on_theme_changed)
        bind(self, state, "starts", self._show_starts)
        bind(self, state, "start", self._show_start)
        for field in ("obstacle", "is_training", "steps", "expected_steps", "seconds_left", "message"):
            bind(self, state, field, lambda _: self._show_progress())
        for field in ("device", "memory_mb"):
            bind(self, state, field, lambda _: self._show_device())
        bind(self, state, "unfinished", self._show_unfinished)
        bind(self, state, "rounds", self._show_rounds)
        for field in ("rounds", "points", "advice"):
            bind(self, state, field, lambda _: self._show_worth())
        listen(self, self._model.curve_changed, lambda: self.plot.show_curve(self._model.curve))
        listen(self, self._model.refused, self._show_refusal)
        listen(self, self._context.project_changed, self._on_project_changed)
        self.plot.show_curve(self._model.curve)
        self._on_theme_changed()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - the name is Qt's
        """Find out where trainings run once somebody looks."""
        super().showEvent(event)
        self._model.find_device()

    def _on_project_changed(self) -> None:
        self.refusal.hide()
        if self.isVisible():
            self._model.find_device()

    # What the user does

    def _on_start_chosen(self) -> None:
        self._model.state.start = self.start.currentData() or ""

    def _on_train_clicked(self) -> None:
        self.refusal.hide()
        self._model.train()

    def _on_go_on_clicked(self) -> None:
        self.refusal.hide()
        self._model.go_on()

    def _on_decided(self, is_kept: bool) -> None:
        self.refusal.hide()
        self._model.keep(self._model.state.rounds[-1].run_id, is_kept=is_kept)

    def _on_theme_changed(self) -> None:
        palette = palette_of(self._viewer.theme)
        self.plot.show_palette(palette)
        self.worth.show_palette(palette)

    # What the model says

    def _show_starts(self, starts: tuple[StartPoint, ...]) -> None:
        with silenced(self.start):
            self.start.clear()
            for start in starts:
                self.start.addItem(start.title, start.reference)
        self._show_start(self._model.state.start)

    def _show_start(self, reference: str) -> None:
        with silenced(self.start):
            self.start.setCurrentIndex(self.start.findData(reference))

    def _show_progress(self) -> None:
        state = self._model.state
        self.train.setEnabled(not state.obstacle and not state.is_training)
        self.train.setToolTip(state.obstacle or "Adapt the model to what is painted; you can go on painting")
        self.obstacle.setText(state.obstacle)
        self.obstacle.setVisible(bool(state.obstacle))
        self.progress.setText(describe_progress(state))
        self.progress.setVisible(state.is_training)

    def _show_device(self) -> None:
        words = describe_device(self._model.state.device, self._model.state.memory_mb)
        self.device.setText(words)
        self.device.setVisible(bool(words))

    def _show_unfinished(self, unfinished: Unfinished | None) -> None:
        self.unfinished.setText(describe_unfinished(unfinished))
        self.cut_off.setVisible(unfinished is not None)

    def _show_rounds(self, rounds: tuple[Round, ...]) -> None:
        self.outcome.setVisible(bool(rounds))
        if rounds:
            self.outcome.show_round(rounds[-1])

    def _show_worth(self) -> None:
        state = self._model.state
        self.is_worth_it.setVisible(bool(state.points))
        if state.rounds:
            self.worth.show_points(state.points, state.rounds[-1].measure, state.advice)

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.show()
