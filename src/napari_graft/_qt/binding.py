"""Show the fields of a view-model in widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psygnal import SignalInstance
from qtpy.QtCore import QObject, QSignalBlocker

from napari_graft._qt.failing import guarded


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
