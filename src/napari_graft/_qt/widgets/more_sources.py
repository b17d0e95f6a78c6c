"""Bring in sources of others, and find one's own."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_graft._qt.binding import listen
from napari_graft._qt.widgets.basics import button, flow
from napari_graft._qt.widgets.folding import Folding
from napari_graft.workbench.sources import SourcesModel


class MoreSources(Folding):
    """Widget to add sources; folded away until asked for.

    Parameters
    ----------
    model
        Takes the sources.
    """

    def __init__(self, model: SourcesModel) -> None:
        super().__init__("More sources")
        self._model = model
        self._adding: Path | None = None
        self.add_file = button(
            "Add a file…",
            self._on_file_clicked,
            tip="A source that someone exported, a bioimage.io package, or TorchScript with its card",
        )
        self.add_folder = button(
            "Add a folder…", self._on_folder_clicked, tip="A folder with card and weights"
        )
        self.open = button(
            "Open my sources", self._on_open_clicked, look="link", tip="Show the folder that they are in"
        )
        for widget in (flow(self.add_file, self.add_folder), self.open):
            self.addWidget(widget)
        listen(self, model.taken, self._on_taken)

    def _on_file_clicked(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Add a source")
        self._add(path)

    def _on_folder_clicked(self) -> None:
        self._add(QFileDialog.getExistingDirectory(self, "Add a source (a folder with card.json)"))

    def _add(self, path: str) -> None:
        if path:
            self._adding = Path(path)
            self._model.add(self._adding)

    def _on_taken(self, path: Path, source_id: str) -> None:
        if path != self._adding:  # another dock of this window asked for it
            return
        self._adding = None
        answer = QMessageBox.question(
            self,
            "Graft",
            f"One of your sources is called “{source_id}” already. Put the new one in its place?\n\n"
            "The files of the old one are removed.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._model.add(path, replaces=True)

    def _on_open_clicked(self) -> None:
        self._model.folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._model.folder)))
