"""The distances between the sources as shades, with their tree and their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics
from qtpy.QtWidgets import QGraphicsRectItem, QToolTip

from napari_graft._qt.theme import Palette
from napari_graft.fingerprints.source_map import TARGET, SourceMap

_ROW, _MARGIN, _GAP = 17, 6, 5
_TREE_SHARE, _CELLS_SHARE = 0.14, 0.4
_MARK = {True: "#f2a65a", False: "#c2570c"}
_NEAR = {True: ("#d6eefc", "#56b4e9", "#1f5b80"), False: ("#083a66", "#0072b2", "#9cc9e3")}


class SourceMapPlot(pg.PlotWidget):
    """Plot of a map: on the left the tree, in the middle a square for each pair, on the right the names.

    Along x it is drawn in pixels, because names need their room whatever the width; along y in rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mapped: SourceMap | None = None
        self._titles: Mapping[str, str] = {}
        self._palette: Palette | None = None
        self._names: list[pg.TextItem] = []
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        for side in ("left", "bottom"):
            self.getPlotItem().hideAxis(side)
        self.getPlotItem().layout.setContentsMargins(0, 0, 0, 0)
        self.getViewBox().setDefaultPadding(0)
        self.getViewBox().invertY(True)
        self.getViewBox().sigResized.connect(self._draw)

    @property
    def names(self) -> list[str]:
        """What is written beside the rows, from the top."""
        return [item.toPlainText() for item in self._names]

    def show_map(self, mapped: SourceMap, titles: Mapping[str, str], palette: Palette) -> None:
        """Draw another map, or the same in other colours."""
        self._mapped, self._titles, self._palette = mapped, titles, palette
        self.setFixedHeight(_ROW * len(mapped.names) + _MARGIN)
        self._draw()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - the name is Qt's
        """Leave the wheel to the tab, which scrolls."""
        event.ignore()

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802 - the name is Qt's
        """Tell which two sources a square is of, and their distance."""
        if event.type() != QEvent.Type.ToolTip:
            return bool(super().viewportEvent(event))
        QToolTip.showText(event.globalPos(), self.words_at(event.pos()))
        return True

    def words_at(self, place: QPoint) -> str:
        """Return what a tooltip at a place says."""
        if self._mapped is None:
            return ""
        at: QPointF = self.getViewBox().mapSceneToView(QPointF(self.mapToScene(place)))
        n = len(self._mapped.names)
        left, width = self._cells()
        row, column = int(np.floor(at.y())), int(np.floor((at.x() - left) / width * n))
        if not 0 <= row < n:
            return ""
        one = self._title(self._mapped.ordered_names[row])
        if not 0 <= column < n or row == column:
            return one
        other = self._title(self._mapped.ordered_names[column])
        return f"{one}\n{other}\nDistance {self._mapped.ordered_distances[row, column]:.2f}"

    def _title(self, name: str) -> str:
        return self._titles.get(name, name)

    def _width(self) -> float:
        return float(QRectF(self.getViewBox().boundingRect()).width())

    def _cells(self) -> tuple[float, float]:
        """Return where the squares begin, and how wide all of them are."""
        rows = 0 if self._mapped is None else _ROW * len(self._mapped.names)
        return _TREE_SHARE * self._width(), min(_CELLS_SHARE * self._width(), rows)

    def _draw(self) -> None:
        if self._mapped is None or self._palette is None:
            return
        self.clear()
        self.setBackground(self._palette.background)
        self._draw_tree(self._mapped, self._palette)
        self._draw_cells(self._mapped, self._palette)
        self._draw_names(self._mapped, self._palette)
        self.setXRange(0, self._width(), padding=0)
        self.setYRange(0, len(self._mapped.names), padding=0)

    def _draw_tree(self, mapped: SourceMap, palette: Palette) -> None:
        left, _ = self._cells()
        highest = float(mapped.branches[..., 1].max()) or 1.0
        # Some room on the right, so that two joined at 0 are seen to be joined.
        x = (left - 3) * (1 - 0.95 * mapped.branches[..., 1] / highest) - 2
        pen = pg.mkPen(palette.faint)
        for corners, along in zip(x, mapped.branches[..., 0] + 0.5, strict=True):
            self.addItem(pg.PlotCurveItem(corners, along, pen=pen))

    def _draw_cells(self, mapped: SourceMap, palette: Palette) -> None:
        n = len(mapped.names)
        left, width = self._cells()
        shades = pg.ColorMap(None, [QColor(one) for one in (*_NEAR[palette.is_dark], palette.background)])
        image = pg.ImageItem(mapped.ordered_distances, levels=(0, float(mapped.distances.max()) or 1.0))
        image.setLookupTable(shades.getLookupTable(nPts=256))
        image.setRect(QRectF(left, 0, width, n))
        self.addItem(image)
        if TARGET in mapped.names:
            at = mapped.ordered_names.index(TARGET)
            for box in (QRectF(left, at, width, 1), QRectF(left + at * width / n, 0, width / n, n)):
                mark = QGraphicsRectItem(box)
                mark.setPen(pg.mkPen(_MARK[palette.is_dark], width=2))
                self.addItem(mark)

    def _draw_names(self, mapped: SourceMap, palette: Palette) -> None:
        left, width = self._cells()
        self._names = []
        for y, name in enumerate(mapped.ordered_names):
            is_target = name == TARGET
            font = QFont(self.font())
            font.setBold(is_target)
            room = round(self._width() - left - width - 2 * _GAP)
            words = QFontMetrics(font).elidedText(self._title(name), Qt.TextElideMode.ElideRight, room)
            item = pg.TextItem(words, _MARK[palette.is_dark] if is_target else palette.text, anchor=(0, 0.5))
            item.setFont(font)
            item.setPos(left + width, y + 0.5)
            self.addItem(item)
            self._names.append(item)
