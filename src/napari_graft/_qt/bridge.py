"""The one place where work crosses from other threads to that of the window."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, Signal


class Bridge(QObject):
    """Runner of functions on the thread that made it, in the order in which they were handed over."""

    _handed_over = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._handed_over.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def deliver(self, callback: Callable[[], None]) -> None:
        """Run `callback` soon; may be called from any thread."""
        self._handed_over.emit(callback)

    def _run(self, callback: Callable[[], None]) -> None:
        callback()
