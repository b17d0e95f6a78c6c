"""The boxes around the table of sources: what can be done with them, and plots loaded when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_graft._qt.sources.words import advice_words
from napari_graft._qt.widgets.basics import Folding, button, card, column, flow, set_look, text
from napari_graft._qt.widgets.binding import listen
from napari_graft._qt.widgets.option_form import OptionBox
from napari_graft._qt.widgets.theme import Palette
from napari_graft.fingerprints.source_map import TARGET, SourceMap
from napari_graft.project.documents import RankedEntry
from napari_graft.workbench.sources.model import SourcesModel
from napari_graft.workbench.sources.state import SourceRow, SourcesState

if TYPE_CHECKING:
    from napari_graft._qt.sources.plots import DistancePlot, SourceMapPlot


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
            from napari_graft._qt.sources.plots import DistancePlot

            assert self._palette is not None  # the tab hands it over before the first rows
            self.plot = DistancePlot(self._palette)
            self._layout.addWidget(self.plot)
        return self.plot


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
            from napari_graft._qt.sources.plots import SourceMapPlot

            self.plot = SourceMapPlot()
            self.addWidget(self.plot)
        self.plot.show_map(self._mapped, self._titles, self._palette)


def nearest_words(mapped: SourceMap, titles: Mapping[str, str]) -> str:
    """Say which source the image is nearest to, nothing where it is not on the map."""
    if TARGET not in mapped.names:
        return ""
    name, _ = mapped.nearest_to(TARGET)[0]
    return f"Your image looks most like those of “{titles.get(name, name)}”."


FEWEST_MERGED = 2


class SourceButtons(QWidget):
    """Buttons of the tab Sources, of which the next one to press stands out.

    Parameters
    ----------
    on_rank, on_preview, on_merge, on_use
        Called when a button is pressed.
    """

    def __init__(
        self,
        *,
        on_rank: Callable[[], None],
        on_preview: Callable[[], None],
        on_merge: Callable[[], None],
        on_use: Callable[[], None],
    ) -> None:
        super().__init__()
        self.rank = button("Rank", on_rank, tip="Find out which sources fit the image")
        self.preview = button(
            "Preview",
            on_preview,
            tip="See what the ticked sources make of a tile in the view, where there is most to see",
        )
        self.merge = button(
            "Merge", on_merge, tip="Make one model of the ticked sources, on the tiles that you have painted"
        )
        self.use = button("Use this one", on_use, tip="Start from the source that is selected")
        self.setLayout(column(flow(self.rank, self.preview, self.use, self.merge)))

    def show_state(self, state: SourcesState, *, has_project: bool, current: str | None) -> None:
        """Show what can be done now; `current` is the source that is selected."""
        self.rank.setText("Rank again" if state.is_ranked else "Rank")
        self.rank.setEnabled(has_project and not state.is_ranking)
        self.preview.setEnabled(has_project and bool(state.ticked) and not state.is_previewing)
        self.merge.setEnabled(has_project and len(state.ticked) >= FEWEST_MERGED)
        self.use.setEnabled(has_project and current not in (None, state.chosen))
        set_look(self.rank, "quiet" if state.is_ranked else "primary")
        is_settled = state.chosen is not None or not state.is_ranked
        set_look(self.preview, "quiet" if is_settled or state.preview is not None else "primary")
        set_look(self.use, "quiet" if is_settled or state.preview is None else "primary")


class MoreSources(Folding):
    """Widget to add sources; folded away until asked for.

    Parameters
    ----------
    model
        Takes the sources.
    """

    def __init__(self, model: SourcesModel) -> None:
        super().__init__("More sources")
        self._model = model
        self._adding: Path | None = None
        self.add_file = button(
            "Add a file…",
            self._on_file_clicked,
            tip="A source that someone exported, a bioimage.io package, or TorchScript with its card",
        )
        self.add_folder = button(
            "Add a folder…", self._on_folder_clicked, tip="A folder with card and weights"
        )
        self.open = button(
            "Open my sources", self._on_open_clicked, look="link", tip="Show the folder that they are in"
        )
        self.unsaid = text("What a package does not say of its network, where you know it:", "faint")
        self.options = OptionBox(model.importing, ("outputs", "structure"))
        self.options.grown.connect(self.fit)
        for widget in (flow(self.add_file, self.add_folder), self.unsaid, self.options, self.open):
            self.addWidget(widget)
        listen(self, model.taken, self._on_taken)

    def _on_file_clicked(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Add a source")
        self._add(path)

    def _on_folder_clicked(self) -> None:
        self._add(QFileDialog.getExistingDirectory(self, "Add a source (a folder with card.json)"))

    def _add(self, path: str) -> None:
        if path:
            self._adding = Path(path)
            self._model.add(self._adding)

    def _on_taken(self, path: Path, source_id: str) -> None:
        if path != self._adding:  # another dock of this window asked for it
            return
        self._adding = None
        answer = QMessageBox.question(
            self,
            "Graft",
            f"One of your sources is called “{source_id}” already. Put the new one in its place?\n\n"
            "The files of the old one are removed.",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
            QMessageBox.StandardButton.Cancel,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._model.add(path, replaces=True)

    def _on_open_clicked(self) -> None:
        self._model.folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._model.folder)))


class AdviceCard(QWidget):
    """Widget with the advice that came with a ranking."""

    def __init__(self) -> None:
        super().__init__()
        self.words = text("", "warning")
        self.setLayout(column(card(self.words)))

    def show_advice(self, advised: RankedEntry | None) -> None:
        """Show the advice of a source, or nothing."""
        self.words.setText(advice_words(advised))
        self.words.setToolTip("" if advised is None else advised.remedy or "")
        self.setVisible(advised is not None)
