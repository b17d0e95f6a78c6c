"""The offer to segment the whole image with the chosen source as it is, before anything is painted."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_graft._qt.widgets.basics import button, column, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.result_file import ask_for_result_file
from napari_graft.workbench.train.results import ResultsModel


class SegmentBox(QWidget):
    """Widget that segments with the source in use; hidden once there is a round, or no source is chosen.

    Parameters
    ----------
    model
        The segmentations.
    """

    def __init__(self, model: ResultsModel) -> None:
        super().__init__()
        self._model = model
        self.go = button(
            "Segment the whole image…",
            self._on_clicked,
            tip="With this source as it is, into a file: for where the preview is good enough",
        )
        self.written = text("", "good")
        self.refusal = text("", "error")
        self.setLayout(column(self.go, self.written, self.refusal, spacing=4))
        for words in (self.written, self.refusal):
            words.hide()
        for field in ("untouched", "is_segmenting"):
            bind(self, model.state, field, lambda _: self._show())
        listen(self, model.written, self._show_written)
        listen(self, model.refused, self._show_refusal)

    def _on_clicked(self) -> None:
        out = ask_for_result_file(self, self._model.file_to_propose())
        if out is not None:
            for words in (self.written, self.refusal):
                words.hide()
            self._model.segment_whole(out)

    def _show(self) -> None:
        self.setVisible(self._model.state.untouched is not None)
        self.go.setEnabled(not self._model.state.is_segmenting)

    def _show_written(self, path: Path, n_objects: int) -> None:
        self.written.setText(
            f"{path.name} is written and shown, with {n_objects} objects. Correct them in the tab "
            "Proofread & compare, or paint a few tiles for a better model."
        )
        self.written.show()

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.show()
