"""The sources as a table that can be sorted, with a tick for each, and what its columns mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSize, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QColor, QFont, QResizeEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from napari_graft._qt.sources.words import (
    consistency_words,
    few_shot_words,
    license_words,
    pixel_words,
    title_words,
    tooltip_of,
    verdict_look,
)
from napari_graft._qt.widgets.theme import Palette
from napari_graft.workbench.sources.state import SourceRow


@dataclass(frozen=True, slots=True)
class Column:
    """Description of a column.

    Parameters
    ----------
    title, tip
        What stands above it, and what it means.
    words
        What a cell shows.
    width, narrow_width
        In pixels, in a wide and in a narrow dock.
    sorts_by
        What rows are sorted by, by default what the cell shows.
    is_known
        Whether there is something to show; a column where nothing is known of any row is left out.
    is_lesser
        Whether a narrow dock does without.
    """

    title: str
    tip: str
    words: Callable[[SourceRow], str]
    width: int
    narrow_width: int
    sorts_by: Callable[[SourceRow], float] | None = None
    is_known: Callable[[SourceRow], bool] | None = None
    is_lesser: bool = False

    def sort_value(self, row: SourceRow) -> str | float:
        """Return what a row is sorted by."""
        return self.words(row).lower() if self.sorts_by is None else self.sorts_by(row)


COLUMNS = (
    Column("Source", "A model that was already trained on other images", title_words, 170, 126),
    Column(
        "Fit",
        "How close your image is to the images that the source was trained on.\n"
        "Sort by this column to see the best first: the order also counts what the next columns show.",
        lambda row: row.verdict,
        86,
        86,
        is_known=lambda row: row.is_ranked,
    ),
    Column(
        "Consistency",
        "Whether the source finds the same things again when brightness, contrast\n"
        "and noise of your image change a little. One of low consistency is guessing.",
        consistency_words,
        92,
        78,
        sorts_by=lambda row: -1.0 if row.consistency is None else row.consistency,
        is_known=lambda row: row.consistency is not None,
    ),
    Column(
        "Few shot",
        "The place of the source by how well it finds what you painted on half of your tiles,\n"
        "once its last layer has learned from the other half.\n"
        "Rank again after painting to see it: nothing else here knows what you want to have found.",
        few_shot_words,
        72,
        68,
        sorts_by=lambda row: float("inf") if row.few_shot_place is None else row.few_shot_place[0],
        is_known=lambda row: row.few_shot_place is not None,
    ),
    Column(
        "Pixel size",
        "How large a pixel was in its training; your image is brought to it",
        pixel_words,
        74,
        66,
        sorts_by=lambda row: float("inf") if row.pixel_size is None else row.pixel_size,
        is_known=lambda row: row.pixel_size is not None,
    ),
    Column("Licence", "Whether models made from it may be used for anything", license_words, 110, 110),
    Column("Species", "What its training images show", lambda row: row.species, 130, 130, is_lesser=True),
    Column("Instrument", "How they were taken", lambda row: row.instrument, 110, 110, is_lesser=True),
)
FIT, LICENCE = (
    next(i for i, one in enumerate(COLUMNS) if one.title == title) for title in ("Fit", "Licence")
)


_SORT_ROLE = Qt.ItemDataRole.UserRole
_FEWEST_LINES, _MOST_LINES = 4, 10
"""Lines that there is room for: as many as rows within these bounds, so that the buttons stay in sight."""
_AIR = 4
"""Pixels between the words of two rows."""
_NARROW = 320
"""A table narrower than this shows what matters most without scrolling; tooltips tell the rest."""


class SourceTableModel(QAbstractTableModel):
    """Qt model of rows of sources; emits `ticked` with the id and whether it is ticked."""

    ticked = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[SourceRow, ...] = ()
        self._ticked: frozenset[str] = frozenset()
        self._chosen: str | None = None
        self._palette: Palette | None = None

    def show_rows(self, rows: Sequence[SourceRow]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def show_ticked(self, ticked: frozenset[str]) -> None:
        """Show which are ticked."""
        self._ticked = ticked
        self._repaint()

    def show_chosen(self, chosen: str | None) -> None:
        """Show which one is in use, in bold."""
        self._chosen = chosen
        self._repaint()

    def show_palette(self, palette: Palette) -> None:
        """Take the colours of the theme."""
        self._palette = palette
        self._repaint()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - the name is Qt's
        """Return the number of sources."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - the name is Qt's
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = 0) -> Any:  # noqa: N802 - the name is Qt's
        """Return the title of a column, and what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        return COLUMNS[section].tip if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: QModelIndex) -> Any:
        """Let the first column be ticked."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == 0 else flags

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], index.column()
        shows: dict[Any, Callable[[], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda: COLUMNS[column].words(row),
            _SORT_ROLE: lambda: index.row() if column == FIT else COLUMNS[column].sort_value(row),
            Qt.ItemDataRole.ToolTipRole: lambda: tooltip_of(row),
            Qt.ItemDataRole.CheckStateRole: lambda: self._check_state(row) if column == 0 else None,
            Qt.ItemDataRole.FontRole: lambda: _bold() if row.id == self._chosen else None,
            Qt.ItemDataRole.ForegroundRole: lambda: self._colour(row, column),
        }
        return shows[role]() if role in shows else None

    def setData(self, index: QModelIndex, value: Any, role: int = 0) -> bool:  # noqa: N802 - the name is Qt's
        """Pass a tick on; it is shown once the model of the window has it."""
        if role != Qt.ItemDataRole.CheckStateRole or index.column() != 0:
            return False
        self.ticked.emit(self.rows[index.row()].id, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def _check_state(self, row: SourceRow) -> Any:
        return Qt.CheckState.Checked if row.id in self._ticked else Qt.CheckState.Unchecked

    def _colour(self, row: SourceRow, column: int) -> QColor | None:
        if self._palette is None:
            return None
        if column == FIT:
            return QColor(getattr(self._palette, verdict_look(row)))
        if column == LICENCE:
            return QColor(self._palette.faint if row.research_only else self._palette.good)
        return None

    def _repaint(self) -> None:
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(COLUMNS) - 1))


class _AiryRows(QStyledItemDelegate):
    def __init__(self, parent: SourceTable) -> None:
        super().__init__(parent)
        self._hints: dict[tuple[int, int], QSize] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - the name is Qt's
        # Qt asks for every cell, hundreds of times while a dock is made; rows differ in words alone, and the
        # widths of the columns are set.
        key = (index.column(), option.fontMetrics.height())
        if key not in self._hints:
            self._hints[key] = super().sizeHint(option, index) + QSize(0, _AIR)
        return self._hints[key]


class SourceTable(QTableView):
    """Table to look through the sources, tick some, and point at one.

    Emits `pointed` with the id of the source that is pointed at.

    Attributes
    ----------
    is_pointed_by_hand
        Whether the user chose that source, and not the program (`point_at`).
    """

    pointed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.source_model = SourceTableModel()
        self.is_pointed_by_hand = False
        self._is_placing = False
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self.source_model)
        self._sorted.setSortRole(_SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(FIT, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setItemDelegate(_AiryRows(self))
        self._fit_height()
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for i, column in enumerate(COLUMNS):
            self.setColumnWidth(i, column.width)
        self.selectionModel().currentRowChanged.connect(self._on_row_changed)

    @property
    def current(self) -> str | None:
        """Id of the source that the user points at, None where there is none."""
        index = self._sorted.mapToSource(self.currentIndex())
        return self.source_model.rows[index.row()].id if index.isValid() else None

    def show_rows(self, rows: Sequence[SourceRow]) -> None:
        """Show other rows; a column for what nothing is known of is left out."""
        self.source_model.show_rows(rows)
        self._fit_height()
        self._show_columns()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - the name is Qt's
        """Leave lesser columns out where there is little room, and give titles what is left of it."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._show_columns()

    def _fit_height(self) -> None:
        n_lines = min(max(len(self.source_model.rows), _FEWEST_LINES), _MOST_LINES) + 1
        line = self.fontMetrics().height() + 2 * _AIR
        self.setMinimumHeight(n_lines * line + self.horizontalScrollBar().sizeHint().height())

    def _show_columns(self) -> None:
        rows, is_narrow = self.source_model.rows, self.width() < _NARROW
        room = self.viewport().width()
        for i, column in enumerate(COLUMNS):
            is_empty = column.is_known is not None and not any(column.is_known(row) for row in rows)
            self.setColumnHidden(i, is_empty or (is_narrow and column.is_lesser))
            width = column.narrow_width if is_narrow else column.width
            self.setColumnWidth(i, width)
            if i > 0 and not self.isColumnHidden(i) and not column.is_lesser:
                room -= width
        self.setColumnWidth(0, max(self.columnWidth(0), room))

    def point_at(self, source_id: str) -> None:
        """Select a source that nobody has chosen yet."""
        self._is_placing = True
        for i, row in enumerate(self.source_model.rows):
            if row.id == source_id:
                self.setCurrentIndex(self._sorted.mapFromSource(self.source_model.index(i, 0)))
        self._is_placing = self.is_pointed_by_hand = False

    def tick_box(self, source_id: str) -> QModelIndex:
        """Return the cell with the tick of a source, as it is shown."""
        at = [row.id for row in self.source_model.rows].index(source_id)
        return self._sorted.mapFromSource(self.source_model.index(at, 0))

    def _on_row_changed(self) -> None:
        if self.current is not None:
            self.is_pointed_by_hand = not self._is_placing
            self.pointed.emit(self.current)


def _bold() -> QFont:
    font = QFont()
    font.setBold(True)
    return font
