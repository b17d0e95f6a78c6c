"""What is segmented: the layers of the rounds, and the whole image into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from napari_graft._napari.overlays.field_of_view import pixel_looked_at
from napari_graft._napari.results import ResultLayers
from napari_graft._qt.train.words import describe_result
from napari_graft._qt.widgets.basics import button, column, text
from napari_graft._qt.widgets.binding import bind, listen, listen_to_viewer
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft._qt.widgets.result_file import ask_for_result_file
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class ResultBox(QWidget):
    """Widget that shows the segmentations of the rounds as layers, and offers to make more.

    Parameters
    ----------
    workbench, viewer
        What is shown, and where the layers are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._context = workbench.context
        self._model = workbench.results
        self._viewer = viewer
        self._layers = ResultLayers(viewer)
        self.words = text()
        self.faults = text("", "error")
        self.segment = button("Segment with the round in use", self._model.segment_round)
        self.whole = button(
            "Segment the whole image…",
            self._on_whole_clicked,
            tip="Into a file; when stopped, it can go on later",
        )
        self.more = MoreOptions(
            self._model.options, ("uncertainty", "device", "scheduler"), "Options for the whole image"
        )
        self.written = text("", "good")
        self.refusal = text("", "error")
        self.setLayout(
            column(
                self.words,
                self.faults,
                self.segment,
                self.whole,
                self.more,
                self.written,
                self.refusal,
                spacing=4,
            )
        )
        # Later: when a project is opened, others mark its image first; and several fields change at once.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._show_layers)
        self._connect()

    def _connect(self) -> None:
        self._model.find_place = self._find_place
        for field in ("results", "shown", "whole", "missing", "untouched", "faults", "is_segmenting"):
            bind(self, self._model.state, field, lambda _: self._show())
        listen(self, self._context.project_changed, self._on_project_changed)
        listen(self, self._model.refused, self._show_refusal)
        listen(self, self._model.written, self._show_written)
        listen_to_viewer(self, self._viewer.layers.events.inserted, self._show_layers_later)
        for words in (self.written, self.refusal):
            words.hide()

    def _on_whole_clicked(self) -> None:
        out = ask_for_result_file(self, self._model.file_to_propose())
        if out is not None:
            self.written.hide()
            self.refusal.hide()
            self._model.segment_whole(out)

    def _on_project_changed(self) -> None:
        for words in (self.written, self.refusal):  # they were about the project before
            words.hide()
        self._show_layers_later()

    def _find_place(self) -> tuple[int, ...] | None:
        project = self._context.project
        return None if project is None else pixel_looked_at(self._viewer, project.folder)

    def _show(self) -> None:
        state, project = self._model.state, self._context.project
        shape = () if project is None else project.manifest.shape
        words = describe_result(state.results, state.shown, shape)
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.faults.setText("\n".join(fault.words for fault in state.faults))
        self.faults.setVisible(bool(state.faults))
        again = " again" if state.missing in [fault.key for fault in state.faults] else ""
        self.segment.setText(f"Segment{again} with the round in use")
        self.segment.setVisible(state.missing is not None and not state.is_segmenting)
        for widget in (self.whole, self.more):
            widget.setVisible(any(one is not None for one in (state.shown, state.missing, state.untouched)))
        self.whole.setEnabled(not state.is_segmenting)
        self._show_layers_later()

    def _show_layers_later(self) -> None:
        self._later.start()

    def _show_layers(self) -> None:
        project = self._context.project
        if project is None:
            self._layers.clear()
        else:
            self._layers.show(project.folder, self._model.state.results, self._model.state.shown)
            self._layers.show_whole(project.folder, self._model.state.whole)

    def _show_written(self, path: Path, n_objects: int) -> None:
        self.written.setText(f"{path.name} is written and shown, with {n_objects} objects.")
        self.written.show()

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.show()
