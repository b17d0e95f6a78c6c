"""Measurements of the objects that are proofread: a histogram of one, or two against each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QWidget

from napari_graft._qt.train.curve_plots import colour_of, colour_plot, new_plot
from napari_graft._qt.widgets.basics import Folding, button, column, row, text
from napari_graft._qt.widgets.binding import bind, listen, listen_to_viewer, silenced
from napari_graft._qt.widgets.theme import palette_of
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    import pyqtgraph
    from napari import Viewer

_COUNT = "objects"
_POINT = 7


class MeasureBox(Folding):
    """Widget in which objects are measured, and looked at as a histogram or a scatter plot.

    Parameters
    ----------
    workbench, viewer
        Whose objects, and whose theme.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__("Measurements")
        self._model = workbench.measuring
        self._viewer = viewer
        self.plot: pyqtgraph.PlotWidget | None = None
        self.shown: Any = None
        self.measure = button(
            "Measure objects",
            self._model.measure,
            tip="Size, shape, neighbours and intensity of each object; the layer shows them as features",
        )
        self.hint = text("", "faint")
        self.across, self.up = QComboBox(), QComboBox()
        for made in (self.across, self.up):
            made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            made.setMinimumContentsLength(6)
            made.currentIndexChanged.connect(lambda _: self._draw())
        self.axes = QWidget()
        choosing = row(self.across, self.up)
        choosing.setStretch(0, 1)
        choosing.setStretch(1, 1)
        self.axes.setLayout(choosing)
        self.across.setToolTip("What is shown from left to right")
        self.up.setToolTip("What is shown upwards: how many objects there are, or a second measurement")
        self._soon = QTimer(self)  # a plot that is new has no height yet
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._fit_plot)
        self.holder = QWidget()
        self.holder.setLayout(column())
        self.show_only(self.measure, self.hint, self.axes, self.holder)
        bind(self, self._model.state, "columns", lambda _: self._show_columns())
        for name in ("is_measuring", "is_old"):
            listen(self, getattr(self._model.state.events, name), self._show_hint)
        listen_to_viewer(self, viewer.events.theme, self._show_palette)
        self._show_hint()

    def _show_hint(self) -> None:
        state = self._model.state
        self.measure.setEnabled(not state.is_measuring)
        words = "Measuring…" if state.is_measuring else ""
        if state.is_old and not state.is_measuring:
            words = "Objects were changed since: measure again."
        elif state.columns and not state.is_measuring:
            words = "Click a point to go to its object." if self.up.currentIndex() > 0 else ""
        self.hint.setText(words)
        self.hint.setVisible(bool(words))
        self.fit()

    def _show_columns(self) -> None:
        names = self._model.names
        for box, first in ((self.across, ()), (self.up, (_COUNT,))):
            before = box.currentText()
            with silenced(box):
                box.clear()
                for name in (*first, *names):
                    box.addItem(name if name == _COUNT else _in_words(name), name)
                box.setCurrentIndex(max(box.findText(before), 0 if first else min(2, len(names) - 1)))
        self.axes.setVisible(bool(names))
        self.holder.setVisible(bool(names))
        self._draw()

    def _draw(self) -> None:
        self._show_hint()
        if not self._model.names:
            return
        import pyqtgraph

        plot = self._made_plot()
        if self.shown is not None:
            plot.removeItem(self.shown)
        across, up = self.across.currentData(), self.up.currentData()
        accent = colour_of(palette_of(self._viewer.theme).accent)
        if up == _COUNT:
            found = self._model.histogram(across)
            widths = found.edges[1:] - found.edges[:-1]
            self.shown = pyqtgraph.BarGraphItem(
                x0=found.edges[:-1], width=widths * 0.92, height=found.counts, brush=accent, pen=None
            )
        else:
            ids, x, y = self._model.points(across, up)
            self.shown = pyqtgraph.ScatterPlotItem(x=x, y=y, data=ids, size=_POINT, brush=accent, pen=None)
            self.shown.sigClicked.connect(self._on_clicked)
        plot.addItem(self.shown)
        plot.setLabel("bottom", self.across.currentText())
        plot.setLabel("left", self.up.currentText())
        self._soon.start(0)

    def _fit_plot(self) -> None:
        for widget in (self.holder, self.content()):
            layout = widget.layout()
            if layout is not None:
                layout.activate()
        self.fit()

    def _on_clicked(self, _: object, points: Any, *__: object) -> None:
        if len(points):
            self._model.choose(int(points[0].data()))

    def _made_plot(self) -> pyqtgraph.PlotWidget:
        if self.plot is None:
            self.plot = new_plot()
            layout = self.holder.layout()
            assert layout is not None
            layout.addWidget(self.plot)
            self.holder.setMinimumHeight(self.plot.height())
            colour_plot(self.plot, palette_of(self._viewer.theme))
        return self.plot

    def _show_palette(self) -> None:
        if self.plot is not None:
            colour_plot(self.plot, palette_of(self._viewer.theme))
            self._draw()


def _in_words(name: str) -> str:
    """Return the name of a column as people write it.

    >>> _in_words("area_um2"), _in_words("n_neighbours")
    ('area (µm²)', 'neighbours')
    """
    for ending, unit in (("_um2", "µm²"), ("_um3", "µm³"), ("_um", "µm"), ("_nm2", "nm²"), ("_nm3", "nm³")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')} ({unit})"
    for ending, unit in (("_nm", "nm"), ("_px2", "px²"), ("_px3", "px³"), ("_px", "px")):
        if name.endswith(ending):
            return f"{name.removesuffix(ending).replace('_', ' ')} ({unit})"
    return name.removeprefix("n_").replace("_", " ")
