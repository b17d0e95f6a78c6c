"""Work on the thread of the window: handed over from other threads, or in steps between answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qtpy.QtCore import QObject, Qt, QTimer, Signal


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


_END = object()


class Stepper(QObject):
    """Runner of the steps of one piece of work: the first at once, each other in a turn of the event loop.

    napari makes, draws and removes layers on the thread of the window, tens of milliseconds each; all layers
    of a tile or of a comparison in one go are half a second in which the window answers to nothing.

    Parameters
    ----------
    owner
        With which it ends.
    """

    def __init__(self, owner: QObject) -> None:
        super().__init__(owner)
        self._steps: Iterator[None] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._go_on)
        owner.destroyed.connect(self._forget)  # a step may be the end of it: napari collects garbage in some

    @property
    def is_at_rest(self) -> bool:
        """Say whether no step is left."""
        return self._steps is None

    def begin(self, steps: Iterator[None]) -> None:
        """Take these steps, in place of what is left of those before."""
        self._steps = steps
        self._go_on()

    def _forget(self) -> None:
        self._steps = None

    def _go_on(self) -> None:
        steps = self._steps
        assert steps is not None  # begun, and not at its end yet
        is_over = next(steps, _END) is _END
        if steps is not self._steps:  # the step has begun other ones, or was the end of the owner
            return
        if is_over:
            self._steps = None
        else:
            self._pause.start(0)
