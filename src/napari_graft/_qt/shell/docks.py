"""The docks: the main one, with the next step, all tabs and the strip of jobs, and one for each tab alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QWidget

from napari_graft._qt.annotate.tab import AnnotateTab
from napari_graft._qt.compare.tab import CompareTab
from napari_graft._qt.data.project_box import LostImageBox
from napari_graft._qt.data.tab import DataTab
from napari_graft._qt.shell.job_strip import JobStrip
from napari_graft._qt.shell.opened_files import DroppedProjects
from napari_graft._qt.shell.workbenches import plain_viewer, workbench_of
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft._qt.train.tab import TrainTab
from napari_graft._qt.widgets.basics import column, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.theme import palette_of, style_sheet
from napari_graft.workbench.next_step import TABS, NextStep, TabName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


def scrolled(widget: QWidget) -> QScrollArea:
    """Put a widget into an area that scrolls up and down only."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


_TABS: dict[TabName, type[QWidget]] = {
    "data": DataTab,
    "sources": SourcesTab,
    "annotate": AnnotateTab,
    "train": TrainTab,
    "compare": CompareTab,
}


def make_tab(name: TabName, workbench: Workbench, viewer: Viewer) -> QWidget:
    """Make a tab that shows its part of the workbench."""
    return _TABS[name](workbench, viewer)


TITLES: dict[TabName, str] = {
    "data": "Data",
    "sources": "Sources",
    "annotate": "Annotate",
    "train": "Train",
    "compare": "Proofread && compare",
}
SHORT_TITLES = TITLES | {"compare": "Compare"}


class GraftDock(QWidget):
    """Dock widget with the workbench of a viewer.

    Parameters
    ----------
    napari_viewer
        The viewer that the dock belongs to; napari fills it in by this name.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = plain_viewer(napari_viewer)
        self.workbench = workbench_of(napari_viewer)
        self.next = text("", "next")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.setUsesScrollButtons(False)
        for name in TABS:
            self.tabs.addTab(scrolled(make_tab(name, self.workbench, self.viewer)), TITLES[name])
        self.strip = JobStrip(self.workbench.context)
        self.lost = LostImageBox(self.workbench.data, of_open_project=True)
        layout = column(self.next, self.tabs, self.lost, self.strip, margin=4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.tabs.currentChanged.connect(self._on_tab_clicked)
        listen(self, self.workbench.annotating.refused, self._on_painting_refused)
        listen(self, self.workbench.plugin_jobs.found, self._show_plugin_jobs)
        if self.workbench.plugin_jobs.models:  # found before, by the dock of another time
            self._show_plugin_jobs()
        bind(self, self.workbench.state, "tab", self._show_tab)
        bind(self, self.workbench.state, "next", self._show_next)
        self._dropped = DroppedProjects(self.workbench, self.viewer)
        self.viewer.events.theme.connect(self._on_theme_changed)
        self._on_theme_changed()

    def sizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Ask for a width at which nothing is clipped and the canvas keeps most of the window."""
        return QSize(380, 640)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Allow a narrow dock: the tabs scroll."""
        return QSize(260, 240)

    def _on_painting_refused(self, words: str) -> None:
        """Say in the strip what cannot be done on the canvas while the tab that says so is not seen."""
        if self.workbench.state.tab != "annotate":
            self.strip.error.show_message(words)

    def _on_tab_clicked(self, index: int) -> None:
        if index < len(TABS):
            self.workbench.state.tab = TABS[index]

    def _show_plugin_jobs(self) -> None:
        """Add a tab for what plugins can do."""
        from napari_graft._qt.widgets.job_form import JobForm  # magicgui takes long to load

        forms = QWidget()
        self.job_forms = [JobForm(model) for model in self.workbench.plugin_jobs.models]
        layout = column(*self.job_forms, margin=4)
        layout.addStretch(1)
        forms.setLayout(layout)
        self.tabs.addTab(scrolled(forms), "More")

    def _show_tab(self, tab: TabName) -> None:
        self.tabs.setCurrentIndex(TABS.index(tab))

    def _show_next(self, step: NextStep) -> None:
        self.next.setText(f"Next: {step.text}")
        for i, name in enumerate(TABS):
            self.tabs.setTabToolTip(i, TITLES[name].replace("&&", "&"))
        self._show_titles()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - the name is Qt's
        """Show short titles where the long ones would be cut off."""
        super().resizeEvent(event)
        self._show_titles()

    def _show_titles(self) -> None:
        bar, marked = self.tabs.tabBar(), self.workbench.state.next.tab
        for titles in (TITLES, SHORT_TITLES):
            for i, name in enumerate(TABS):
                self.tabs.setTabText(i, titles[name] + (" •" if name == marked else ""))
            if bar.sizeHint().width() <= self.width():
                return

    def _on_theme_changed(self) -> None:
        self.setStyleSheet(style_sheet(palette_of(self.viewer.theme)))


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
