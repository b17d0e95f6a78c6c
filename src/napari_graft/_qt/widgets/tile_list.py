"""The list of tiles: a small picture, the reason, and the state of each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QAbstractListModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QListView

from napari_graft._qt.widgets.tile_delegate import ROW_HEIGHT, TileDelegate
from napari_graft._qt.widgets.tile_row import TileRow
from napari_graft.core.tile import Tile
from napari_graft.project.queue import QueuedTile, TileQueue

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
