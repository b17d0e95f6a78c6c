"""Draws one row of the list of tiles."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QColor, QFont, QPainter, QPalette
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_graft._qt.widgets.tile_row import TileRow

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
