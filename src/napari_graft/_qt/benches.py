"""Registry of workbenches: one a viewer, whichever docks show it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_graft._qt.bridge import Bridge
from napari_graft._qt.closing import CloseGuard
from napari_graft._qt.desk_keeper import WindowStateLink
from napari_graft._qt.failing import watch_window
from napari_graft._qt.garbage import look_at_all_again, spare_what_stays
from napari_graft._qt.opened_files import OpenedFiles
from napari_graft._qt.software_opengl import keep_programs
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_workbenches: weakref.WeakKeyDictionary[Viewer, Workbench] = weakref.WeakKeyDictionary()


def plain_viewer(viewer: Viewer) -> Viewer:
    """Return the viewer itself where napari hands out a proxy, as it does to docks of the manifest."""
    plain: Viewer = getattr(viewer, "__wrapped__", viewer)
    return plain


def workbench_of(viewer: Viewer) -> Workbench:
    """Return the workbench of a viewer, made when it is first asked for."""
    viewer = plain_viewer(viewer)
    if viewer not in _workbenches:
        keep_programs()
        bridge = Bridge()
        workbench = Workbench(bridge.deliver)
        _workbenches[viewer] = workbench
        WindowStateLink(workbench, viewer)  # it belongs to the window
        OpenedFiles(workbench, viewer)  # as does this
        # A dock hears nothing when its window closes: the guard watches the window itself.
        window = viewer.window._qt_window  # napari offers no public way to its window
        watch_window(window, workbench.context.failures)
        guard = CloseGuard(workbench, window, on_closed=lambda: _forget(viewer))
        window.installEventFilter(guard)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(guard.close_now)
        # Once the dock that asks is made: what it imports stays as well.
        QTimer.singleShot(0, spare_what_stays)
    return _workbenches[viewer]


def _forget(viewer: Viewer) -> None:
    _workbenches.pop(viewer, None)
    look_at_all_again()  # at a window that is closed, for example
