"""Closing the window: ask while something is under way, then stop it cleanly."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_graft.workbench.workbench import Workbench


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
