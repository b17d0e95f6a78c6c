"""Labels of another program for the tiles to do: a button, and the question what a mask means."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_graft._qt.binding import listen
from napari_graft._qt.widgets.basics import button, card, column, flow, text
from napari_graft.workbench.tile_tools import TileTools


class ImportedLabels(QWidget):
    """Widget to choose a label image.

    Parameters
    ----------
    tools
        Takes it.
    """

    def __init__(self, tools: TileTools) -> None:
        super().__init__()
        self._tools = tools
        self._path: Path | None = None
        self.choose = button(
            "Import labels…",
            self._on_choose_clicked,
            tip="Take the labels of the tiles to do from a label image of the size of the image:\n"
            "0 background, 1… objects. Tiles on which you have painted stay as they are.",
        )
        self.question = text("", "warning")
        self.one = button("It is one object", lambda: self._on_answered(is_one=True))
        self.pieces = button("Each piece is an object", lambda: self._on_answered(is_one=False))
        self.asked = card(self.question, flow(self.one, self.pieces))
        self.asked.hide()
        self.setLayout(column(self.choose, self.asked))
        listen(self, tools.mask_asked, self._ask)

    def _on_choose_clicked(self) -> None:
        self.asked.hide()
        name, _ = QFileDialog.getOpenFileName(self, "Label image of the size of the image")
        if name:
            self._tools.import_labels(Path(name))

    def _ask(self, path: Path) -> None:
        self._path = path
        self.question.setText(f"“{path.name}” is a mask of several pieces. What is an object?")
        self.asked.show()

    def _on_answered(self, *, is_one: bool) -> None:
        self.asked.hide()
        if self._path is not None:
            self._tools.import_labels(self._path, "object" if is_one else "pieces")
