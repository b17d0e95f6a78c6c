"""What painting has brought: the held-out score of each round against tiles or minutes."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph
from qtpy.QtWidgets import QComboBox, QWidget

from napari_graft._qt.theme import Palette
from napari_graft._qt.widgets.basics import column, text
from napari_graft._qt.widgets.curve_plot import colour_plot, prepare_plot
from napari_graft.session.learning_curve import CurvePoint
from napari_graft.sources.card import LeadingScore

_HEIGHT = 150
_AXES = {"tiles painted": "n_tiles", "minutes of painting": "minutes"}
_SCORES: dict[LeadingScore, str] = {"vi": "VI (low is good)", "ap50": "AP50 (high is good)"}


class LearningCurvePlot(QWidget):
    """Plot of the score of each round, with the advice that follows from it."""

    def __init__(self) -> None:
        super().__init__()
        self._points: Sequence[CurvePoint] = ()
        self._measure: LeadingScore = "ap50"
        self.axis = QComboBox()
        self.axis.addItems(list(_AXES))
        self.axis.setToolTip("What the score is drawn against")
        self.axis.currentTextChanged.connect(lambda _: self._draw())
        self.plot = pyqtgraph.PlotWidget()
        prepare_plot(self.plot)
        self.plot.setFixedHeight(_HEIGHT)
        self.curve = self.plot.plot(symbol="o", symbolSize=7)
        self.advice = text()
        self.setLayout(column(self.advice, self.axis, self.plot))

    def show_points(self, points: Sequence[CurvePoint], measure: LeadingScore, advice: str) -> None:
        """Draw a point for each round that has the score."""
        self._points, self._measure = points, measure
        self.advice.setText(advice)
        self._draw()

    def show_palette(self, palette: Palette) -> None:
        """Take over the colours of a theme."""
        colour_plot(self.plot, palette)
        self.curve.setPen(palette.accent, width=2)
        self.curve.setSymbolBrush(palette.accent)
        self.curve.setSymbolPen(None)

    def _draw(self) -> None:
        chosen = self.axis.currentText()
        points = [point for point in self._points if point.score(self._measure) is not None]
        places = [float(getattr(point, _AXES[chosen])) for point in points]
        self.curve.setData(places, [point.score(self._measure) or 0.0 for point in points])
        self.plot.getAxis("bottom").setTicks([[(place, f"{place:.0f}") for place in places]])
        self.plot.setLabel("left", _SCORES[self._measure])
        # One point is no curve.
        for widget in (self.axis, self.plot):
            widget.setVisible(len(points) > 1)
