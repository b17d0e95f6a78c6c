"""The distances of the sources as bars, with the band that chance explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor

from napari_graft._qt.theme import Palette
from napari_graft._qt.widgets.source_words import verdict_look
from napari_graft.workbench.distance_axis import NULL_BAND, DistanceAxis, distance_axis
from napari_graft.workbench.source_rows import SourceRow

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
