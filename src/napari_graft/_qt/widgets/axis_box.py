"""What the axes of a layer beside y and x are taken for, to be changed where that is wrong."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QComboBox, QGridLayout, QWidget

from napari_graft._qt.binding import bind
from napari_graft._qt.tabs.data_words import MEANINGS, names_of_parts, words_of_axes
from napari_graft._qt.widgets.basics import clear, column, set_look, text
from napari_graft.workbench.data import DataModel
from napari_graft.workbench.extra_axes import ExtraAxis


class AxisBox(QWidget):
    """Widget with a row for each axis, where the user says what it is.

    Parameters
    ----------
    model
        What is shown and told.
    """

    def __init__(self, model: DataModel) -> None:
        super().__init__()
        self._model = model
        self.meanings: list[QComboBox] = []
        self.parts: list[QComboBox] = []
        self.words = text("", "faint")
        rows = QWidget()
        self._grid = QGridLayout(rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(2, 1)
        self.setLayout(column(rows, self.words, spacing=2))
        bind(self, model.state, "extra_axes", self._show)

    def _show(self, extra: tuple[ExtraAxis, ...]) -> None:
        clear(self._grid)
        self.meanings, self.parts = [], []
        for i, one in enumerate(extra):
            meaning, part = self._meaning_of(one), self._part_of(one)
            label = text(f"Axis of {one.n}")
            label.setWordWrap(False)
            self._grid.addWidget(label, i, 0)
            self._grid.addWidget(meaning, i, 1)
            self._grid.addWidget(part, i, 2)
            part.setVisible(one.is_picked)
            self.meanings.append(meaning)
            self.parts.append(part)
        self.words.setText(words_of_axes(extra))
        is_open = any(one.meaning is None or (one.is_picked and one.index is None) for one in extra)
        set_look(self.words, "warning" if is_open else "faint")
        self.setVisible(bool(extra))

    def _meaning_of(self, one: ExtraAxis) -> QComboBox:
        box = QComboBox()
        for meaning in (None, *one.meanings) if one.meaning is None else one.meanings:
            box.addItem(MEANINGS[meaning], meaning)
        box.setCurrentIndex(box.findData(one.meaning))
        box.setToolTip("What lies along this axis: the file or napari may say it wrongly, or not at all")
        box.activated.connect(lambda _: self._model.description.take_axis_for(one.axis, box.currentData()))
        return box

    def _part_of(self, one: ExtraAxis) -> QComboBox:
        box = QComboBox()
        if one.index is None:
            box.addItem("choose…", None)
        for i, name in enumerate(names_of_parts(one)):
            box.addItem(name, i)
        box.setCurrentIndex(max(0, box.findData(one.index)))
        box.activated.connect(partial(self._take_part, one, box))
        return box

    def _take_part(self, one: ExtraAxis, box: QComboBox, _: int) -> None:
        self._model.description.take_axis_for(one.axis, one.meaning, box.currentData())
