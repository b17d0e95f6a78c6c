"""The list of tiles: a small picture, the reason, and the state of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QPainter, QPalette, QPixmap
from qtpy.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from napari_graft.core.tile import Tile
from napari_graft.project.tile_queue import QueuedTile, TileQueue


@dataclass(frozen=True, slots=True, eq=False)
class TileRow:
    """What one row shows.

    Parameters
    ----------
    queued
        The tile.
    number
        As on the canvas, from 1.
    is_current
        Whether it is the tile that is painted now.
    picture
        None until it is made.
    """

    queued: QueuedTile
    number: int
    is_current: bool
    picture: QPixmap | None


PICTURE = 52
ROW_HEIGHT = PICTURE + 10
_GAP = 6
_NOW = "now"
_LIGHT, _DARK = 0, 1
_COLOURS: dict[str, tuple[str, str]] = {
    "to do": ("#0b6bcb", "#6cb6ff"),
    "done": ("#1e7a46", "#57b37f"),
    "unsure": ("#8a5a00", "#e0a848"),
    "skipped": ("#5f6368", "#9aa0a6"),
    "bad image": ("#a33a2f", "#ff8a80"),
    _NOW: ("#8a6d00", "#ffd54f"),
}


class TileDelegate(QStyledItemDelegate):
    """Item delegate with the picture at the left, and the reason, the slice and the state beside it."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - the name is Qt's
        """Return the height of a row."""
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a row."""
        row: TileRow = index.data(Qt.ItemDataRole.UserRole)
        palette = self._view.palette()
        painter.save()
        if row.is_current or option.state & QStyle.StateFlag.State_MouseOver:
            colour = palette.color(QPalette.ColorRole.Text)
            colour.setAlpha(36 if row.is_current else 16)
            painter.fillRect(option.rect, colour)
        picture = QRect(option.rect.left() + 4, option.rect.top() + 5, PICTURE, PICTURE)
        self._draw_picture(painter, row, picture)
        words = option.rect.adjusted(PICTURE + 4 + 2 * _GAP, 5, -_GAP, -5)
        self._draw_words(painter, row, words)
        painter.restore()

    def _draw_picture(self, painter: QPainter, row: TileRow, place: QRect) -> None:
        if row.picture is None:
            painter.fillRect(place, QColor(128, 128, 128, 60))
        else:
            size = row.picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            fitted = QRect(place.topLeft(), size)
            fitted.moveCenter(place.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setOpacity(1.0 if row.queued.state in ("to do", "unsure") else 0.6)
            painter.drawPixmap(fitted, row.picture)
            painter.setOpacity(1.0)
        if row.is_current:
            painter.setPen(self._colour(_NOW))
            painter.drawRect(place.adjusted(0, 0, -1, -1))

    def _draw_words(self, painter: QPainter, row: TileRow, place: QRect) -> None:
        font = QFont(self._view.font())
        metrics = painter.fontMetrics()
        painter.setFont(font)
        painter.setPen(self._view.palette().color(QPalette.ColorRole.Text))
        reason = (row.queued.reason or "accepted before").capitalize()
        upper = QRect(place.left(), place.top(), place.width(), place.height() - metrics.height() - 2)
        painter.drawText(upper, int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignVCenter), reason)
        lower = QRect(place.left(), place.bottom() - metrics.height(), place.width(), metrics.height())
        painter.setPen(self._colour("skipped"))
        at = f"z {row.queued.start[0]}" if row.queued.tile.ndim == 3 else ""
        painter.drawText(lower, Qt.AlignmentFlag.AlignLeft, f"{row.number}" + (f" · {at}" if at else ""))
        state = row.queued.state
        said = f"● {_NOW}" if row.is_current and state == "to do" else state
        said = f"● {_NOW}, {state}" if row.is_current and state != "to do" else said
        painter.setPen(self._colour(_NOW if row.is_current else state))
        painter.drawText(lower, Qt.AlignmentFlag.AlignRight, said)

    def _colour(self, name: str) -> QColor:
        is_dark = self._view.palette().color(QPalette.ColorRole.Text).lightness() > 128
        return QColor(_COLOURS[name][_DARK if is_dark else _LIGHT])


_SHOWN_AT_MOST = 5


class TileListModel(QAbstractListModel):
    """Qt model of the rows of the tile list."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[TileRow] = []

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - the name is Qt's
        """Return the number of rows."""
        return len(self.rows)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the row for the delegate, and words for the screen reader and the tooltip."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return row
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{row.number}: {row.queued.reason}, {row.queued.state}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return words_about(row.queued)
        return None

    def show(self, rows: list[TileRow]) -> None:
        """Take over other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()


class TileListView(QListView):
    """List of the tiles; a click on one emits `chosen` with it."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tiles = TileListModel()
        self._pictures: dict[Tile, QPixmap] = {}
        self.setModel(self.tiles)
        self.setItemDelegate(TileDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # The letters are keys for painting: a list that has the focus would look them up in its rows.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMouseTracking(True)
        self.clicked.connect(lambda index: self.chosen.emit(self.tiles.rows[index.row()].queued.tile))

    def show_tiles(
        self, queue: TileQueue, current: Tile | None, pictures: Mapping[Tile, NDArray[np.uint8]]
    ) -> None:
        """Show the tiles of a queue."""
        self._pictures = {
            tile: self._pictures.get(tile) or _pixmap(picture) for tile, picture in pictures.items()
        }
        self.tiles.show(
            [
                TileRow(queued, number, queued.tile == current, self._pictures.get(queued.tile))
                for number, queued in enumerate(queue.tiles, 1)
            ]
        )
        self.updateGeometry()
        for number, queued in enumerate(queue.tiles):
            if queued.tile == current:
                self.scrollTo(self.tiles.index(number))

    def sizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Ask for room for a few rows; more are scrolled to."""
        n_shown = min(max(1, self.tiles.rowCount()), _SHOWN_AT_MOST)
        return QSize(240, n_shown * ROW_HEIGHT + 4)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Need room for two rows."""
        return QSize(120, min(2, max(1, self.tiles.rowCount())) * ROW_HEIGHT + 4)


def words_about(queued: QueuedTile) -> str:
    """Return what is known of a tile, for the tooltip."""
    parts = [queued.reason or "accepted before"]
    parts.append(f"at {', '.join(map(str, queued.start))}, {' × '.join(map(str, queued.shape))} pixels")
    if queued.seconds:
        parts.append(f"painted for {round(queued.seconds)} s")
    if queued.model:
        parts.append(f"begun with the guess of {queued.model}")
    return "\n".join(parts)


def _pixmap(picture: NDArray[np.uint8]) -> QPixmap:
    height, width = picture.shape
    data = np.ascontiguousarray(picture)
    image = QImage(data.tobytes(), width, height, width, QImage.Format.Format_Grayscale8)
    return QPixmap.fromImage(image)
