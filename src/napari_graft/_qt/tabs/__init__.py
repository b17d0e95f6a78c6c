"""The tabs of the dock, in the order of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_graft._qt.tabs.compare_tab import CompareTab
from napari_graft._qt.tabs.data_tab import DataTab
from napari_graft._qt.tabs.sources_tab import SourcesTab
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_TABS: dict[TabName, type[QWidget]] = {"data": DataTab, "sources": SourcesTab, "compare": CompareTab}


def make_tab(name: TabName, workbench: Workbench, viewer: Viewer) -> QWidget:
    """Make a tab that shows its part of the workbench."""
    return _TABS[name](workbench, viewer) if name in _TABS else QWidget()
