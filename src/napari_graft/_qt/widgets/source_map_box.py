"""The map of the sources, folded away until somebody wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_graft._qt.theme import Palette
from napari_graft._qt.widgets.basics import text
from napari_graft._qt.widgets.folding import Folding
from napari_graft.fingerprints.source_map import TARGET, SourceMap

if TYPE_CHECKING:
    from napari_graft._qt.widgets.source_map_plot import SourceMapPlot

YOUR_IMAGE = "Your image"


class SourceMapBox(Folding):
    """Widget with the place of the image among the sources, in words and as a map."""

    def __init__(self) -> None:
        super().__init__("Map of the sources")
        self.plot: SourceMapPlot | None = None
        self._mapped: SourceMap | None = None
        self._titles: Mapping[str, str] = {}
        self._palette: Palette | None = None
        self.nearest = text()
        self.meaning = text(
            "Squares that stand out: the images of both sources look alike. Branches that meet close to the "
            "squares: the same. Point at a square to read its sources and their distance.",
            "faint",
        )
        for widget in (self.nearest, self.meaning):
            self.addWidget(widget)
        self.toggled.connect(lambda _: self._draw())
        self.hide()

    def show_map(self, mapped: SourceMap | None, titles: Mapping[str, str]) -> None:
        """Show another map, or none."""
        self._mapped, self._titles = mapped, dict(titles) | {TARGET: YOUR_IMAGE}
        self.nearest.setText("" if mapped is None else nearest_words(mapped, self._titles))
        self.nearest.setVisible(bool(self.nearest.text()))
        self.setVisible(mapped is not None)
        self._draw()

    def show_palette(self, palette: Palette) -> None:
        """Take the colours of the theme."""
        self._palette = palette
        self._draw()

    def _draw(self) -> None:
        if self._mapped is None or self._palette is None or not self.isExpanded():
            return
        if self.plot is None:
            # Not before it is needed: it takes half a second to load.
            from napari_graft._qt.widgets.source_map_plot import SourceMapPlot

            self.plot = SourceMapPlot()
            self.addWidget(self.plot)
        self.plot.show_map(self._mapped, self._titles, self._palette)


def nearest_words(mapped: SourceMap, titles: Mapping[str, str]) -> str:
    """Say which source the image is nearest to, nothing where it is not on the map."""
    if TARGET not in mapped.names:
        return ""
    name, _ = mapped.nearest_to(TARGET)[0]
    return f"Your image looks most like those of “{titles.get(name, name)}”."
