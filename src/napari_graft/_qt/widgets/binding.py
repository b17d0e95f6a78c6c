"""Show the fields of a view-model in widgets; what nobody catches reaches the user as words."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec

from napari.utils.notifications import show_error
from psygnal import SignalInstance
from qtpy.QtCore import QObject, QSignalBlocker, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from napari_graft.workbench.failures import Failures, failure_words

P = ParamSpec("P")
Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]

_PACKAGE = __name__.partition(".")[0]
_windows: weakref.WeakKeyDictionary[QObject, Failures] = weakref.WeakKeyDictionary()


def watch_window(window: QWidget, failures: Failures) -> None:
    """Tell of what fails in a window there, where one of our functions takes part in it."""
    _windows[window] = failures
    _hook.take_place()
    QTimer.singleShot(0, _hook.take_place)  # napari sets its own when its event loop begins


def guarded(owner: QObject, answer: Callable[P, object]) -> Callable[P, None]:
    """Return a listener that tells of its failure in the window of `owner` instead of raising it.

    A signal stops at the first listener that raises: all after it would hear nothing.
    """

    @wraps(answer)
    def guard(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            answer(*arguments, **named)
        except Exception as error:  # the window: whatever fails must reach the user as words
            _tell(error, _window_of(owner))

    return guard


class _UncaughtErrors:
    """Hook for errors that left a slot of Qt: those of our package are shown, others are passed on."""

    def __init__(self) -> None:
        self.before: Hook = sys.__excepthook__

    def take_place(self) -> None:
        """Hear of errors that nobody catches, before who heard of them so far."""
        if sys.excepthook is not self:
            self.before, sys.excepthook = sys.excepthook, self

    def __call__(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and _windows and _is_ours(traceback):
            _tell(error, QApplication.activeWindow())
        else:
            self.before(kind, error, traceback)


_hook = _UncaughtErrors()


def _is_ours(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        if str(traceback.tb_frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
            return True
        traceback = traceback.tb_next
    return False


def _tell(error: Exception, window: QObject | None) -> None:
    found = None if window is None else _windows.get(window)
    if found is None and len(_windows) == 1:
        found = next(iter(_windows.values()))
    if found is not None:
        found.tell(error)
    else:  # nobody knows which window it was
        show_error(failure_words(error))


def _window_of(owner: QObject) -> QObject | None:
    """Return the main window that an object belongs to, also where its dock floats."""
    try:
        while (parent := owner.parent()) is not None:
            owner = parent
    except RuntimeError:  # Qt has deleted it already
        return None
    return owner


def bind(owner: QObject, state: Any, field: str, show: Callable[[Any], None]) -> None:
    """Call `show` with a field's value, now and whenever it changes while `owner` lives."""
    show(getattr(state, field))
    listen(owner, getattr(state.events, field), show)


def listen(owner: QObject, signal: SignalInstance, answer: Callable[..., None]) -> None:
    """Answer to a signal of a model while `owner` lives: the model may outlive the widgets that show it."""
    slot = signal.connect(guarded(owner, answer))
    owner.destroyed.connect(lambda: signal.disconnect(slot, missing_ok=True))


def listen_to_viewer(owner: QObject, emitter: Any, answer: Callable[..., None]) -> None:
    """Answer to an event of napari while `owner` lives; what fails in that stops nothing in napari."""
    answering = guarded(owner, answer)
    emitter.connect(answering)
    owner.destroyed.connect(lambda: emitter.disconnect(answering))


@contextmanager
def silenced(*objects: QObject) -> Iterator[None]:
    """Keep widgets from answering to changes that the program makes."""
    blockers = [QSignalBlocker(one) for one in objects]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()
