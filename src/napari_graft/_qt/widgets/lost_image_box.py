"""What is shown where a project lacks its image: since when, and the way to find it."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QFrame

from napari_graft._qt.binding import bind
from napari_graft._qt.widgets.basics import button, column, row, text
from napari_graft.workbench.data import DataModel
from napari_graft.workbench.project_opening import LostImage


class LostImageBox(QFrame):
    """Widget to say where the image of a project is now.

    Parameters
    ----------
    model
        What is asked.
    of_open_project
        Whether it is about the open project, else about one that could not be opened.
    """

    def __init__(self, model: DataModel, *, of_open_project: bool = False) -> None:
        super().__init__()
        self._model = model
        self._of_open_project = of_open_project
        self.setProperty("look", "card")
        self.words = text("", "warning")
        self.find = button("Find the image…", self._on_find_clicked, look="primary")
        self.take = button("Use it all the same", self._on_take_clicked)
        self.forget = button("Not now", model.forget_lost)
        layout = column(self.words, self.find, margin=8, spacing=4)
        layout.addLayout(row(self.take, self.forget, 1))
        self.setLayout(layout)
        bind(self, model.state, "lost", self._show_lost)
        bind(self, model.state, "is_opening", self._show_opening)

    def _on_find_clicked(self) -> None:
        lost = self._model.state.lost
        if lost is None:
            return
        title = f"Where is the image of {lost.folder.stem}?"
        if lost.is_folder:
            path = QFileDialog.getExistingDirectory(self, title, str(lost.folder.parent))
        else:
            path, _ = QFileDialog.getOpenFileName(self, title, str(lost.folder.parent))
        if path:
            self._model.find_image(Path(path))

    def _on_take_clicked(self) -> None:
        lost = self._model.state.lost
        if lost is not None and lost.found is not None:
            self._model.find_image(lost.found, may_differ=True)

    def _show_lost(self, lost: LostImage | None) -> None:
        is_about_it = lost is not None and lost.is_open == self._of_open_project
        self.setVisible(is_about_it)
        if lost is not None and is_about_it:
            what = "lacks its image" if lost.is_open else "cannot be opened"
            self.words.setText(f"{lost.folder.stem} {what}: {lost.words}")
            self.take.setVisible(lost.found is not None)

    def _show_opening(self, is_opening: bool) -> None:
        for one in (self.find, self.take, self.forget):
            one.setEnabled(not is_opening)
