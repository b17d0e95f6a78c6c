"""Signals that ask to stop, while a command is at work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from napari_graft.cli.ending import WISHES, end_at_once

Handler = Callable[[int, FrameType | None], object]


def unwind(number: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`, as a handler of signals; the next signal ends the process at once."""
    listen(end_at_once)
    if _is_importing(frame):
        # A library written in C makes another error of it, or swallows it.
        end_at_once()
    raise KeyboardInterrupt


def listen(handler: Handler) -> None:
    """Let a handler have every signal that asks to stop; for the main thread alone."""
    for number in _wishes():
        signal.signal(number, handler)


@contextmanager
def listening(handler: Handler) -> Iterator[None]:
    """Let a handler have every signal that asks to stop while the block runs; in the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _wishes()}
    listen(handler)
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _wishes() -> list[signal.Signals]:
    known = [getattr(signal, name) for name in WISHES if hasattr(signal, name)]
    # Who starts a command with `nohup` wants it to outlive the terminal.
    return [one for one in known if one.name != "SIGHUP" or signal.getsignal(one) != signal.SIG_IGN]


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
