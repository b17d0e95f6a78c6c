"""Where the project lies, how one is started, resumed, opened and closed, and its lost image found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QFrame, QLineEdit, QWidget

from napari_graft._qt.data.words import describe_project, names_of_projects
from napari_graft._qt.shell.workbenches import may_close
from napari_graft._qt.widgets.basics import Folding, button, column, row, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.project.opening import holds_project
from napari_graft.workbench.data.model import DataModel
from napari_graft.workbench.data.project_opening import LostImage, recent_projects
from napari_graft.workbench.workbench import Workbench


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


_CLOSE_TIP = "Let others write to it, such as the command line; all that you painted and trained is kept"


class ProjectBox(QWidget):
    """Widget to start, resume, open or close a project.

    Parameters
    ----------
    workbench
        What is shown and asked.
    """

    def __init__(self, workbench: Workbench) -> None:
        super().__init__()
        self._workbench = workbench
        self._context = workbench.context
        self._model = workbench.data
        self.folder = QLineEdit()
        self.folder.setToolTip("Folder of the project; it holds everything that you paint and train")
        self.browse = button("…", self._on_browse_clicked, tip="Choose where the project lies")
        self.start = button("Start project", self._on_start_clicked, look="primary")
        self.open = button("Open a project…", self._on_open_clicked)
        self.about = text("", "good")
        self.close_project = button("Close project", self._on_close_clicked, tip=_CLOSE_TIP)
        self.refusal = text("", "error")
        self.lost = LostImageBox(self._model)
        self.recent = Folding("Recent projects")
        layout = column(text("Project", "title"))
        layout.addLayout(row(self.folder, self.browse))
        for widget in (self.refusal, self.lost, self.start, self.open, self.about, self.close_project):
            layout.addWidget(widget)
        layout.addWidget(self.recent)
        self.setLayout(layout)
        self._connect()

    def _connect(self) -> None:
        self.folder.editingFinished.connect(self._on_folder_edited)
        bind(self, self._model.state, "folder", self._show_folder)
        bind(self, self._model.state, "is_opening", self._show_opening)
        listen(self, self._model.state.events.image, self._update_start)
        listen(self, self._model.refused, self._show_refusal)
        for signal in (
            self._context.project_changed,
            self._context.tiles_changed,
            self._context.runs_changed,
        ):
            listen(self, signal, self._show_project)
        listen(self, self._context.project_changed, lambda: self._show_refusal(""))
        self._show_refusal("")
        self._show_project()

    def _on_folder_edited(self) -> None:
        name = self.folder.text().strip()
        self._model.state.folder = Path(name).expanduser() if name else None

    def _on_start_clicked(self) -> None:
        self._show_refusal("")
        folder = self._model.state.folder
        if folder is not None and holds_project(folder):
            self._model.open_folder(folder)
        else:
            self._model.start_project()

    def _on_browse_clicked(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Where the project lies", self.folder.text(), "*.graft")
        if path:
            self._model.state.folder = Path(path)

    def _on_open_clicked(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a project (a folder that ends in .graft)")
        if path:
            self._show_refusal("")
            self._model.open_folder(Path(path))

    def _on_recent_clicked(self, folder: Path) -> None:
        self._show_refusal("")
        self._model.open_folder(folder)

    def _on_close_clicked(self) -> None:
        if may_close(self._workbench, self):
            self._context.close_project()

    def _show_folder(self, folder: Path | None) -> None:
        self.folder.setText("" if folder is None else str(folder))
        exists = folder is not None and holds_project(folder)
        self.start.setText("Resume project" if exists else "Start project")
        self._update_start()

    def _show_opening(self, is_opening: bool) -> None:
        self._update_start()
        self.open.setEnabled(not is_opening)

    def _update_start(self) -> None:
        state = self._model.state
        has_something = state.image is not None or (state.folder is not None and holds_project(state.folder))
        self.start.setEnabled(has_something and not state.is_opening)
        self.start.setToolTip("" if has_something else "Choose an image first: open one, or try the sample.")

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.setVisible(bool(message))

    def _show_project(self) -> None:
        project = self._context.project
        self.about.setText(describe_project(project))
        self.about.setVisible(project is not None)
        self.close_project.setVisible(project is not None)
        self._show_folder(self._model.state.folder)  # by now there may be a project in it
        self.start.setVisible(project is None or project.folder != self._model.state.folder)
        recent = recent_projects()
        names = names_of_projects(recent)
        links = [
            button(n, partial(self._on_recent_clicked, f), look="link", tip=str(f))
            for n, f in zip(names, recent, strict=True)
        ]
        self.recent.show_only(*links)
        self.recent.setVisible(bool(recent))
