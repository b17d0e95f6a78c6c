"""Curves of training: the losses while it goes on, and the held-out score of each round."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QComboBox, QStackedLayout, QWidget

from napari_graft._qt.widgets.basics import column, text
from napari_graft._qt.widgets.theme import Palette
from napari_graft.session.training.learning_curve import CurvePoint
from napari_graft.sources.card import LeadingScore
from napari_graft.workbench.train.rounds import TrainingCurve

if TYPE_CHECKING:
    import pyqtgraph

_HEIGHT = 150
_LEARNING, _HELD_OUT = "training part", "held-out part"
_ORANGE = {True: "#f2a65a", False: "#c2570c"}


class CurvePlot(QWidget):
    """Plot of the loss on the painted tiles and on their held-out part against the minutes.

    Parameters
    ----------
    empty
        What is shown instead before there is a curve.
    """

    def __init__(self, empty: str) -> None:
        super().__init__()
        self.empty = text(empty, "faint")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        # Above the plot and not in it: there it would hide the curves.
        self.legend = text()
        self.drawing = QWidget()
        self.drawing.setLayout(column(self.legend, spacing=2))
        self.plot: pyqtgraph.PlotWidget | None = None
        self.loss: Any = None
        self.held_out: Any = None
        self._palette: Palette | None = None
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.drawing)
        self.setToolTip(
            "Lower is better. The held-out part is kept apart from training: "
            "the lowest point there is the end of the way on which the model that is kept is looked for."
        )

    def show_curve(self, curve: TrainingCurve) -> None:
        """Draw a curve, or say that there is none yet."""
        if curve and self.plot is None:
            self._make_plot()
        self._stack.setCurrentWidget(self.drawing if curve else self.empty)
        if self.plot is not None:
            self.loss.setData(*_columns(curve.loss))
            self.held_out.setData(*_columns(curve.held_out))

    def show_palette(self, palette: Palette) -> None:
        """Take over the colours of a theme."""
        self._palette = palette
        orange = _ORANGE[palette.is_dark]
        names = ((palette.faint, _LEARNING), (orange, _HELD_OUT))
        marks = [f'<span style="color:{colour}">▬</span> {name}' for colour, name in names]
        self.legend.setText(" &nbsp; ".join(marks))
        if self.plot is None:
            return
        colour_plot(self.plot, palette)
        self.loss.setPen(palette.faint, width=1.5)
        self.held_out.setPen(orange, width=2)
        self.held_out.setSymbolBrush(orange)
        self.held_out.setSymbolPen(None)

    def _make_plot(self) -> None:
        plot = self.plot = new_plot()
        plot.setLabel("left", "error")
        plot.setLabel("bottom", "minutes")
        self.loss = plot.plot()
        self.held_out = plot.plot(symbol="o", symbolSize=5)
        layout = self.drawing.layout()
        assert layout is not None
        layout.addWidget(plot)
        if self._palette is not None:
            self.show_palette(self._palette)


def new_plot() -> pyqtgraph.PlotWidget:
    """Return an empty plot that is only looked at."""
    import pyqtgraph  # not before there is something to draw: it takes half a second to load

    plot = pyqtgraph.PlotWidget()
    prepare_plot(plot)
    plot.setFixedHeight(_HEIGHT)
    return plot


def prepare_plot(plot: pyqtgraph.PlotWidget) -> None:
    """Leave out the menus, buttons and zooming of pyqtgraph: a plot in the dock is only looked at."""
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(False, False)
    plot.getViewBox().setDefaultPadding(0.06)
    for side in ("left", "bottom"):
        plot.getAxis(side).enableAutoSIPrefix(False)


def colour_plot(plot: pyqtgraph.PlotWidget, palette: Palette) -> None:
    """Give a plot the background, text and axes of a theme."""
    plot.setBackground(colour_of(palette.background))
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(colour_of(palette.faint))
        axis.setTextPen(colour_of(palette.text))


def colour_of(words: str) -> QColor:
    """Return a colour of a palette, written as ``#rrggbb`` or ``rgb(r, g, b)``."""
    if words.startswith("rgb"):
        return QColor(*map(int, re.findall(r"\d+", words)[:3]))
    return QColor(words)


def _columns(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


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
        self.plot: pyqtgraph.PlotWidget | None = None
        self.curve: Any = None
        self._palette: Palette | None = None
        self.advice = text()
        self.setLayout(column(self.advice, self.axis))

    def show_points(self, points: Sequence[CurvePoint], measure: LeadingScore, advice: str) -> None:
        """Draw a point for each round that has the score."""
        self._points, self._measure = points, measure
        self.advice.setText(advice)
        self._draw()

    def show_palette(self, palette: Palette) -> None:
        """Take over the colours of a theme."""
        self._palette = palette
        if self.plot is None:
            return
        colour_plot(self.plot, palette)
        self.curve.setPen(palette.accent, width=2)
        self.curve.setSymbolBrush(palette.accent)
        self.curve.setSymbolPen(None)

    def _draw(self) -> None:
        chosen = self.axis.currentText()
        points = [point for point in self._points if point.score(self._measure) is not None]
        self.axis.setVisible(len(points) > 1)
        if len(points) > 1:
            plot = self._made_plot()
            places = [float(getattr(point, _AXES[chosen])) for point in points]
            self.curve.setData(places, [point.score(self._measure) or 0.0 for point in points])
            plot.getAxis("bottom").setTicks([[(place, f"{place:.0f}") for place in places]])
            plot.setLabel("left", _SCORES[self._measure])
        if self.plot is not None:  # one point is no curve
            self.plot.setVisible(len(points) > 1)

    def _made_plot(self) -> pyqtgraph.PlotWidget:
        if self.plot is None:
            self.plot = new_plot()
            self.curve = self.plot.plot(symbol="o", symbolSize=7)
            layout = self.layout()
            assert layout is not None
            layout.addWidget(self.plot)
            if self._palette is not None:
                self.show_palette(self._palette)
        return self.plot
