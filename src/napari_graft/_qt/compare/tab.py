"""The tab Proofread & compare: sources and rounds on the same place, and which one is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QWidget

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.overlays.field_of_view import show_place, tile_in_view, tile_over_view
from napari_graft._qt.canvas.comparison_canvas import ComparisonHost
from napari_graft._qt.compare.controls import (
    Chips,
    Contenders,
    DifferenceTable,
    DisplayControls,
    agreement_words,
    difference_words,
    hint_words,
)
from napari_graft._qt.proofread.box import ProofreadBox
from napari_graft._qt.widgets.basics import button, column, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft.core.errors import InputError
from napari_graft.segmentation.objects import ObjectDifference
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, Mode
from napari_graft.workbench.compare.model import FEWEST, LONGEST_SIDE, MOST
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class CompareTab(QWidget):
    """Tab that shows and changes the model of the comparison.

    Parameters
    ----------
    workbench, viewer
        What the tab shows, and where the comparison is.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._workbench = workbench
        self._model = workbench.comparing
        self._viewer = viewer
        self._host = ComparisonHost(self, workbench, viewer, self._model.close_comparison)
        self._make_widgets()
        self._lay_out()
        self._connect()

    def _make_widgets(self) -> None:
        self.hint = text("", "faint")
        self.chips = Chips("Add…")
        self.where = QComboBox()
        self.where.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.where.setMinimumContentsLength(16)
        self.where.addItem("On a tile in the middle of the view", False)
        self.where.addItem(f"On all that is in view (up to {LONGEST_SIDE} × {LONGEST_SIDE})", True)
        self.compare = button("Compare", self._on_compare_clicked, look="primary")
        self.refusal = text("", "error")
        self.display = DisplayControls()
        self.agreement = text()
        self.contenders = Contenders()
        self.differences_title = text()
        self.differences = DifferenceTable()
        self.close_comparison = button("Close comparison", self._model.close_comparison)
        self.proofreading = ProofreadBox(self._workbench, self._viewer)

    def _lay_out(self) -> None:
        self.result = QWidget()
        self.result.setLayout(
            column(
                self.display,
                self.agreement,
                self.contenders,
                self.differences_title,
                self.differences,
                self.close_comparison,
            )
        )
        title = text("Which one is better here?", "title")
        layout = column(title, self.hint, self.chips, self.where, self.compare, self.refusal, margin=6)
        layout.addWidget(self.result)
        layout.addSpacing(12)
        layout.addWidget(self.proofreading)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        state, model = self._model.state, self._model
        self.chips.added.connect(model.add)
        self.chips.removed.connect(model.remove)
        self.where.currentIndexChanged.connect(self._on_where_chosen)
        self.display.mode_chosen.connect(self._on_mode_chosen)
        self.display.opacity_changed.connect(lambda opacity: model.change_display(opacity=opacity))
        self.display.map_toggled.connect(lambda is_on: model.change_display(shows_disagreement=is_on))
        self.contenders.preferred.connect(model.prefer)
        self.differences.pointed.connect(self._on_difference_pointed)
        events = state.events
        for changed in (events.chosen, events.options):
            listen(self, changed, self._show_chips)
        listen(self, events.is_comparing, self._show_buttons)
        for changed in (events.votes, events.preferred):
            listen(self, changed, self._show_contenders)
        bind(self, state, "is_whole_view", self._show_where)
        bind(self, state, "display", self._show_display)
        bind(self, state, "comparison", self._show_comparison)
        listen(self, self._workbench.context.project_changed, self._on_project_changed)
        listen(self, model.refused, self._show_refusal)
        self._show_refusal("")
        self._show_chips()

    # What the user does

    def _on_compare_clicked(self) -> None:
        self._show_refusal("")
        try:
            image = self._host.image()
            if self._model.state.is_whole_view:
                tile = tile_over_view(self._viewer, image, LONGEST_SIDE)
            else:
                tile = tile_in_view(self._viewer, image, self._workbench.data.state.tile_side)
        except InputError as error:
            self._show_refusal(str(error))
            return
        self._model.compare(tile)

    def _on_where_chosen(self) -> None:
        self._model.state.is_whole_view = self.where.currentData()

    def _on_mode_chosen(self, mode: Mode) -> None:
        if mode == "blink":
            self._model.blink()  # once more shows the next
        else:
            self._model.show_as(mode)

    def _on_difference_pointed(self, difference: ObjectDifference) -> None:
        comparison = self._model.state.comparison
        if comparison is not None:
            starts = comparison.tile.start
            place = [at + start for at, start in zip(difference.position, starts, strict=True)]
            show_place(self._viewer, self._host.image(), place)

    def _on_project_changed(self) -> None:
        self._show_refusal("")
        self._show_buttons()

    # What the model says

    def _show_chips(self) -> None:
        self.chips.show_choices(self._model.state.chosen, self._model.state.options, MOST)
        self._show_buttons()

    def _show_where(self, is_whole_view: bool) -> None:
        with silenced(self.where):
            self.where.setCurrentIndex(self.where.findData(is_whole_view))

    def _show_buttons(self) -> None:
        state, has_project = self._model.state, self._workbench.context.project is not None
        self.hint.setText(hint_words(state, has_project))
        for widget in (self.chips, self.where, self.compare):
            widget.setVisible(has_project)
        self.compare.setEnabled(len(state.chosen) >= FEWEST and not state.is_comparing)

    def _show_display(self, display: DisplayOptions) -> None:
        self._host.apply(display)
        self.display.show_display(display, self._model.state.comparison)

    def _show_comparison(self, comparison: Comparison | None) -> None:
        try:
            self._host.show(comparison, self._model.state.display)
            if comparison is not None:
                comparison_view_of(self._viewer).answer_to_blink_key(self._on_blink_key)
        except InputError as error:
            self._show_refusal(str(error))
        self.display.show_display(self._model.state.display, comparison)
        self.agreement.setText(agreement_words(comparison))
        self.differences_title.setText(difference_words(comparison))
        self.differences.show_differences(() if comparison is None else comparison.differences)
        self.differences.setVisible(comparison is not None and bool(comparison.differences))
        self.result.setVisible(comparison is not None)
        self._show_contenders()

    def _show_contenders(self) -> None:
        self.contenders.show_state(self._model.state)

    def _on_blink_key(self, _: object) -> None:
        self._model.blink()

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.setVisible(bool(message))
