"""Docks of one tab each, for those who like to arrange their window; all of a viewer show one workbench."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qtpy.QtWidgets import QWidget

from napari_graft._qt.benches import plain_viewer, workbench_of
from napari_graft._qt.job_strip import JobStrip
from napari_graft._qt.scrolling import scrolled
from napari_graft._qt.tabs import make_tab
from napari_graft._qt.theme import palette_of, style_sheet
from napari_graft._qt.widgets.basics import column
from napari_graft.workbench.next_step import TabName

if TYPE_CHECKING:
    from napari import Viewer


class SingleDock(QWidget):
    """Dock widget with one tab and the strip of jobs.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari fills it in by this name.
    """

    tab: ClassVar[TabName]

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = plain_viewer(napari_viewer)
        self.workbench = workbench_of(napari_viewer)
        self.content = make_tab(self.tab, self.workbench, self.viewer)
        self.strip = JobStrip(self.workbench.context)
        layout = column(scrolled(self.content), self.strip, margin=4)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.viewer.events.theme.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        self.setStyleSheet(style_sheet(palette_of(self.viewer.theme)))


class SourcesDock(SingleDock):
    """Dock widget of the tab Sources."""

    tab = "sources"


class AnnotateDock(SingleDock):
    """Dock widget of the tab Annotate."""

    tab = "annotate"


class TrainDock(SingleDock):
    """Dock widget of the tab Train."""

    tab = "train"


class CompareDock(SingleDock):
    """Dock widget of the tab Compare."""

    tab = "compare"
