"""The distances of the sources: from the image as bars, and from each other as shades, with their tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics
from qtpy.QtWidgets import QGraphicsRectItem, QToolTip

from napari_graft._qt.sources.words import verdict_look
from napari_graft._qt.widgets.theme import Palette
from napari_graft.fingerprints.source_map import TARGET, SourceMap
from napari_graft.workbench.sources.state import NULL_BAND, DistanceAxis, SourceRow, distance_axis

_ROW, _MARGIN, _TOP = 34, 44, 0.75
_BAR = 0.26
_SPACE = 12


class DistancePlot(pg.PlotWidget):
    """Plot of the distance to each source, the best on top; the numbers are on the axis only."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._rows: tuple[SourceRow, ...] = ()
        self._palette = palette
        self._titles: list[tuple[pg.TextItem, str]] = []
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.getPlotItem().hideAxis("left")
        self.getPlotItem().layout.setContentsMargins(0, 0, 0, 0)
        self.getViewBox().invertY(True)
        self.getViewBox().sigResized.connect(self._fit_titles)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - the name is Qt's
        """Leave the wheel to the tab, which scrolls."""
        event.ignore()

    def show_rows(self, rows: Sequence[SourceRow]) -> None:
        """Show the sources that are ranked; one whose distance is not known has no bar."""
        self._rows = tuple(row for row in rows if row.is_ranked)
        self._draw()

    def show_palette(self, palette: Palette) -> None:
        """Take the colours of the theme."""
        self._palette = palette
        self._draw()

    @property
    def titles(self) -> list[str]:
        """What is written at the bars, from the top."""
        return [words for _, words in self._titles]

    def _draw(self) -> None:
        self.clear()
        self._titles = []
        self.setBackground(self._palette.background)
        axis = distance_axis([row.z for row in self._rows if row.z is not None])
        low, high = axis.position(axis.low), axis.position(axis.high)
        self._draw_band(axis)
        for y, row in enumerate(self._rows):
            self._draw_row(y, row, axis, low)
        self._draw_axis(axis)
        self.setXRange(low, high, padding=0)
        self.setYRange(-_TOP, len(self._rows) - 0.3, padding=0)
        self.setFixedHeight(_ROW * len(self._rows) + _MARGIN)
        self._fit_titles()

    def _draw_band(self, axis: DistanceAxis) -> None:
        edges = axis.position(-NULL_BAND), axis.position(NULL_BAND)
        colour = QColor(self._palette.faint)
        colour.setAlpha(50)
        self.addItem(pg.LinearRegionItem(edges, movable=False, brush=colour, pen=pg.mkPen(None)))
        words = pg.TextItem("chance", color=self._palette.faint, anchor=(0.5, 0.5))
        words.setPos(0, -0.5)
        self.addItem(words)

    def _draw_row(self, y: int, row: SourceRow, axis: DistanceAxis, low: float) -> None:
        if row.z is not None:
            colour = QColor(getattr(self._palette, verdict_look(row)))
            at = axis.position(min(max(row.z, axis.low), axis.high))
            bar = pg.BarGraphItem(
                x0=[min(0.0, at)], x1=[max(0.0, at)], y=[y + 0.3], height=_BAR, brush=colour
            )
            bar.setOpts(pen=pg.mkPen(None))
            self.addItem(bar)
        title = pg.TextItem("", color=self._palette.text, anchor=(0, 0.5))
        title.setPos(low, y - 0.05)
        self.addItem(title)
        self._titles.append((title, f"{row.verdict}: {row.title}"))

    def _draw_axis(self, axis: DistanceAxis) -> None:
        bottom = self.getAxis("bottom")
        ticks = [(axis.position(tick), f"{tick:,.0f}".replace("-", "−")) for tick in axis.ticks]
        bottom.setTicks([ticks])
        bottom.setPen(self._palette.faint)
        bottom.setTextPen(self._palette.faint)

    def _fit_titles(self) -> None:
        width = QRectF(self.getViewBox().boundingRect()).width() - _SPACE
        for item, words in self._titles:
            item.setText(self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, round(width)))


_MAP_ROW, _MAP_MARGIN, _GAP = 17, 6, 5
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
        self.setFixedHeight(_MAP_ROW * len(mapped.names) + _MAP_MARGIN)
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
        rows = 0 if self._mapped is None else _MAP_ROW * len(self._mapped.names)
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
