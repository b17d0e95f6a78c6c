"""The tab Sources: which one fits the image, what the best make of it, and which one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_graft._napari.overlays.field_of_view import tile_in_view, tile_over_view
from napari_graft._qt.canvas.comparison_canvas import ComparisonHost
from napari_graft._qt.sources.boxes import AdviceCard, DistanceBox, MoreSources, SourceButtons, SourceMapBox
from napari_graft._qt.sources.bridge_box import BridgeBox
from napari_graft._qt.sources.merge_options import MergeOptions
from napari_graft._qt.sources.source_table import SourceTable
from napari_graft._qt.sources.trial_box import TrialBox
from napari_graft._qt.sources.words import (
    OUTLOOK_LOOKS,
    hint_words,
    in_use_words,
    left_out_words,
    others_words,
    preview_words,
)
from napari_graft._qt.widgets.basics import button, card, column, set_look, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft._qt.widgets.theme import palette_of
from napari_graft.core.errors import InputError
from napari_graft.fingerprints.source_map import SourceMap
from napari_graft.scorers.outlook import Outlook
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions
from napari_graft.workbench.sources.state import SourceRow, row_to_point_at
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

    from napari_graft._qt.sources.preparation_box import PreparationBox
    from napari_graft._qt.sources.segment_box import SegmentBox


_LONGEST_VIEW = 2048
"""Side in pixels of the part of what is seen in which a preview looks for its place."""


class SourcesTab(QWidget):
    """Tab that shows and changes the model of the sources.

    Parameters
    ----------
    workbench, viewer
        What the tab shows, and where the previews are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._workbench = workbench
        self._model = workbench.sources
        self._viewer = viewer
        self._host = ComparisonHost(self, workbench, viewer, self._model.close_preview)
        self._make_widgets()
        self._lay_out()
        self._connect()

    def _make_widgets(self) -> None:
        self.hint = text("", "faint")
        self.outlook = text("", "good")
        self.advice = AdviceCard()
        self.table = SourceTable()
        self.others = button("", self._on_others_clicked, look="link")
        self.buttons = SourceButtons(
            on_rank=self._on_rank_clicked,
            on_preview=self._on_preview_clicked,
            on_merge=self._on_merge_clicked,
            on_use=self._on_use_clicked,
        )
        self.refusal = text("", "error")
        self.in_use = text("", "good")
        self.segment: SegmentBox | None = None
        self.preparation: PreparationBox | None = None
        self.shown = text("", "faint")
        self.close_preview = button("Close preview", self._model.close_preview)
        self.preview_card = card(self.shown, self.close_preview)
        self.left_out = text("", "faint")
        self.distances = DistanceBox()
        self.trial = TrialBox(self._workbench.trial)
        self.merging = MergeOptions(self._workbench.training.merge_options)
        self.map_box = SourceMapBox()
        self.bridge = BridgeBox(self._workbench.bridging, self._viewer, lambda: self.table.current)
        self.more = MoreSources(self._model)
        self.options = MoreOptions(
            self._model.options, ("include_seen", "exclude", "device"), "Options of the ranking"
        )

    def _lay_out(self) -> None:
        layout = column(text("Which source fits this image?", "title"), self.hint, margin=6)
        for widget in (self.outlook, self.advice):
            layout.addWidget(widget)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.others)
        for widget in (self.buttons, self.refusal, self.in_use, self.preview_card, self.trial):
            layout.addWidget(widget)
        for widget in (self.left_out, self.distances, self.map_box, self.options, self.merging):
            layout.addWidget(widget)
        for widget in (self.bridge, self.more):
            layout.addWidget(widget)
        layout.addStretch(0)
        self._layout = layout
        self.setLayout(layout)

    def _connect(self) -> None:
        state = self._model.state
        self._viewer.events.theme.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.table.source_model.ticked.connect(self._model.tick)
        self.table.pointed.connect(self._show_buttons)
        bind(self, state, "shown", self._show_rows)
        bind(self, state, "rows", self.distances.show_rows)
        for field in ("n_folded", "shows_others"):
            bind(self, state, field, self._show_others)
        bind(self, state, "source_map", self._show_map)
        bind(self, state, "ticked", self.table.source_model.show_ticked)
        bind(self, state, "advised", self.advice.show_advice)
        bind(self, state, "outlook", self._show_outlook)
        bind(self, state, "left_out", self._show_left_out)
        listen(self, state.events.unsuited, self._show_left_out)
        bind(self, state, "chosen", self._show_chosen)
        bind(self, state, "preview", self._show_preview)
        bind(self, self._workbench.results.state, "untouched", self._show_segment)
        bind(self, self._workbench.preparation.state, "source", self._show_preparation)
        events = state.events
        for changed in (events.ticked, events.is_ranked, events.is_ranking, events.is_previewing):
            listen(self, changed, self._show_buttons)
        listen(self, self._workbench.context.project_changed, self._on_project_changed)
        listen(self, self._model.refused, self._show_refusal)
        self._show_refusal("")

    # What the user does

    def _on_rank_clicked(self) -> None:
        self._show_refusal("")
        self.table.is_pointed_by_hand = False
        self._model.rank()

    def _on_preview_clicked(self) -> None:
        self._show_refusal("")
        try:
            image = self._host.image()
        except InputError as error:
            self._show_refusal(str(error))
            return
        tile = tile_in_view(self._viewer, image, self._workbench.data.state.tile_side)
        try:
            view = tile_over_view(self._viewer, image, _LONGEST_VIEW)
        except InputError:  # nothing of the image is seen: its edge that is nearest then
            view = tile
        self._model.preview(tile, view)

    def _on_merge_clicked(self) -> None:
        self._show_refusal("")
        self._workbench.merge_ticked()

    def _on_use_clicked(self) -> None:
        self._show_refusal("")
        if self.table.current is not None:
            self._model.choose(self.table.current)

    def _on_others_clicked(self) -> None:
        self._model.show_others(not self._model.state.shows_others)

    # What the model says

    def _on_project_changed(self) -> None:
        self._show_refusal("")
        self._show_buttons()

    def _show_rows(self, rows: tuple[SourceRow, ...]) -> None:
        pointed, before = self.table.current, self.table.source_model.rows
        is_by_hand = self.table.is_pointed_by_hand
        self.table.show_rows(rows)
        to_point_at = row_to_point_at(before, rows, pointed)
        if self._model.state.is_ranking and rows:
            # Rows come one after the other. What the user points at must not run away; else it is the best so
            # far, and not the row that happened to be the first before anything was measured.
            is_there = is_by_hand and pointed in {row.id for row in rows}
            to_point_at = pointed if is_there else rows[0].id
        if to_point_at is not None:
            self.table.point_at(to_point_at)
            self.table.is_pointed_by_hand = is_by_hand and to_point_at == pointed
        self._show_buttons()

    def _show_others(self, _: object) -> None:
        state = self._model.state
        self.others.setText(others_words(state.n_folded, state.shows_others))
        self.others.setVisible(state.n_folded > 0)

    def _show_map(self, mapped: SourceMap | None) -> None:
        self.map_box.show_map(mapped, {row.id: row.title for row in self._model.state.rows})

    def _show_outlook(self, expected: Outlook | None) -> None:
        self.outlook.setVisible(expected is not None)
        if expected is not None:
            self.outlook.setText(expected.words)
            set_look(self.outlook, OUTLOOK_LOOKS[expected.kind])

    def _show_left_out(self, *_: object) -> None:
        words = left_out_words(self._model.state.left_out, self._model.state.unsuited)
        self.left_out.setText(words)
        self.left_out.setVisible(bool(words))

    def _show_chosen(self, chosen: str | None) -> None:
        self.table.source_model.show_chosen(chosen)
        self.in_use.setText(in_use_words(self._model.state.rows, chosen))
        self.in_use.setVisible(chosen is not None)
        self._show_buttons()

    def _show_segment(self, source: str | None) -> None:
        """Offer to segment with a source: the offer is made when one is first chosen."""
        if source is None or self.segment is not None:
            return
        from napari_graft._qt.sources.segment_box import SegmentBox

        self.segment = SegmentBox(self._workbench.results)
        self._layout.insertWidget(self._layout.indexOf(self.in_use) + 1, self.segment)

    def _show_preparation(self, source: str | None) -> None:
        """Offer to prepare a source: the offer is made when one is first chosen, as a form takes a while."""
        if source is None or self.preparation is not None:
            return
        from napari_graft._qt.sources.preparation_box import PreparationBox

        self.preparation = PreparationBox(self._workbench.preparation)
        before = self.segment or self.in_use
        self._layout.insertWidget(self._layout.indexOf(before) + 1, self.preparation)

    def _show_preview(self, preview: Comparison | None) -> None:
        try:
            self._host.show(preview, DisplayOptions())
        except InputError as error:
            self._show_refusal(str(error))
        self.shown.setText(preview_words(preview))
        self.preview_card.setVisible(preview is not None)
        self._show_buttons()

    def _show_buttons(self) -> None:
        state, has_project = self._model.state, self._workbench.context.project is not None
        self.hint.setText(hint_words(state, has_project))
        self.buttons.show_state(state, has_project=has_project, current=self.table.current)

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.setVisible(bool(message))

    def _on_theme_changed(self) -> None:
        palette = palette_of(self._viewer.theme)
        self.table.source_model.show_palette(palette)
        for widget in (self.map_box, self.distances):
            widget.show_palette(palette)
