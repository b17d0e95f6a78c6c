"""The objects that another segmentation does not find, as a table; a click shows where."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from napari_graft.segmentation.differences import Kind, ObjectDifference

_WORDS: dict[Kind, str] = {
    "missed": "missed",
    "merged": "merged with another",
    "split": "split into parts",
    "changed": "another outline",
}
_MOST, _HEIGHT = 200, 150


class DifferenceTable(QTableWidget):
    """Table of objects that differ, the largest first; emits `pointed` with the one that the user clicks."""

    pointed = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, 2)
        self._differences: tuple[ObjectDifference, ...] = ()
        self.setHorizontalHeaderLabels(["Object", "Size"])
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setMinimumHeight(_HEIGHT)
        self.currentCellChanged.connect(self._on_cell_changed)
        self.cellClicked.connect(self._on_cell_clicked)

    def show_differences(self, differences: Sequence[ObjectDifference]) -> None:
        """Show the largest of these."""
        self._differences = ()
        self.setRowCount(0)
        shown = tuple(differences[:_MOST])
        self.setRowCount(len(shown))
        for i, one in enumerate(shown):
            size = QTableWidgetItem(f"{one.n_pixels:,} px")
            size.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, item in enumerate((QTableWidgetItem(_WORDS[one.kind]), size)):
                item.setToolTip(
                    f"Object {one.id}: overlap with the most similar one {one.iou:.0%}. Click to go there."
                )
                self.setItem(i, column, item)
        self._differences = shown

    def _on_cell_changed(self, row: int) -> None:
        if 0 <= row < len(self._differences):
            self.pointed.emit(self._differences[row])

    def _on_cell_clicked(self, row: int) -> None:
        # Once more for the one that is current already: the user may have moved the camera away.
        self._on_cell_changed(row)
