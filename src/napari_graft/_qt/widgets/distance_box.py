"""The distances of the ranked sources, once they are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_graft._qt.theme import Palette
from napari_graft._qt.widgets.basics import column, text
from napari_graft.workbench.source_rows import SourceRow

if TYPE_CHECKING:
    from napari_graft._qt.widgets.distance_plot import DistancePlot


class DistanceBox(QWidget):
    """Widget with the distance to each source; hidden before that was measured."""

    def __init__(self) -> None:
        super().__init__()
        self.plot: DistancePlot | None = None
        self._palette: Palette | None = None
        self._layout = column(text("How far each one is from the image", "title"), spacing=0)
        self.setLayout(self._layout)
        self.hide()

    def show_rows(self, rows: Sequence[SourceRow]) -> None:
        """Show the distances of the ranked sources."""
        is_measured = any(row.z is not None for row in rows)
        if is_measured:
            self._made_plot().show_rows(rows)
        self.setVisible(is_measured)

    def show_palette(self, palette: Palette) -> None:
        """Take the colours of the theme."""
        self._palette = palette
        if self.plot is not None:
            self.plot.show_palette(palette)

    def _made_plot(self) -> DistancePlot:
        if self.plot is None:
            # Not before it is needed: it takes half a second to load.
            from napari_graft._qt.widgets.distance_plot import DistancePlot

            assert self._palette is not None  # the tab hands it over before the first rows
            self.plot = DistancePlot(self._palette)
            self._layout.addWidget(self.plot)
        return self.plot
