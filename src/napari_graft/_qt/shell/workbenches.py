"""One workbench a viewer, whichever docks show it: what it asks of the process, and how it is closed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication, QMessageBox, QWidget
from vispy.gloo import gl
from vispy.gloo.glir import GlirProgram

from napari_graft._qt.canvas.window_state import WindowStateLink
from napari_graft._qt.shell.event_loop import Bridge
from napari_graft._qt.shell.opened_files import OpenedFiles
from napari_graft._qt.widgets.binding import watch_window
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


_SOFTWARE = "llvmpipe"


@cache
def keep_programs() -> None:
    """Let no program of a shader be deleted where Mesa's llvmpipe draws.

    Mesa crashes the process at the second drawing after the program of points or of text was deleted, and
    napari deletes both with each layer of shapes or points that is removed. A program that stays takes a few
    kilobytes.
    """
    delete = GlirProgram.delete

    def delete_where_safe(program: GlirProgram) -> None:
        if _SOFTWARE not in str(gl.glGetParameter(gl.GL_RENDERER)):
            delete(program)

    GlirProgram.delete = delete_where_safe


def spare_what_stays() -> None:
    """Let the collector leave alone what is there now: modules, napari and its window.

    To look through all of that takes it 0.2 s, which it does every now and then, and napari asks it to
    whenever a layer is removed. What is left alone is freed all the same once nothing refers to it; only
    rings of objects that refer to each other wait for `look_at_all_again`.
    """
    gc.freeze()


def look_at_all_again() -> None:
    """Let the collector find rings of objects wherever they are."""
    gc.unfreeze()


class CloseGuard(QObject):
    """Event filter that acts before a window closes.

    Parameters
    ----------
    workbench
        Closed with the window.
    window
        The window, which owns the guard.
    on_closed
        Called once the workbench is closed.
    """

    def __init__(self, workbench: Workbench, window: QWidget, on_closed: Callable[[], object]) -> None:
        super().__init__(window)
        self._workbench: Workbench | None = workbench
        self._window = window
        self._on_closed = on_closed

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - the name is Qt's
        """Ask before the window closes while a job is under way; it stays open where the answer is no."""
        if event.type() == QEvent.Type.Close and watched is self._window and self._workbench is not None:
            if not may_close(self._workbench, self._window):
                event.ignore()
                return True
            self.close_now()
        return False

    def close_now(self) -> None:
        """Stop what is under way and close the project."""
        workbench, self._workbench = self._workbench, None
        if workbench is not None:
            workbench.close()
            self._on_closed()


def may_close(workbench: Workbench, window: QWidget) -> bool:
    """Say whether the project or the window may close; where a long job is under way the user is asked."""
    long = [job.state.title for job in workbench.context.jobs.active if job.lane == "long"]
    return not long or ask_to_close(window, long[0])


def ask_to_close(window: QWidget, title: str) -> bool:
    """Ask whether to stop a job and close."""
    answer = QMessageBox.question(
        window,
        "Graft",
        f"{title} is under way. Stop it and close?\n\nWhat it has so far is kept; you can go on later.",
        QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel,
        QMessageBox.StandardButton.Cancel,
    )
    return bool(answer == QMessageBox.StandardButton.Yes)


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
