"""Call code of other people so that it takes nothing with it: not the command, its output, nor its time."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TypeVar

T = TypeVar("T")


class CallFailed(Exception):  # noqa: N818 - it reports the failure of others
    """The error that a call raised, in words."""


def call_aside(call: Callable[[], T], seconds: float) -> T:
    """Return what a call returns, made in a thread of its own while this one waits.

    A thread can be waited for no longer than one likes, which nothing else in one process can; a process of
    its own would have to import all that the call needs, every time. The call cannot end the program, it
    finds no input, and what it prints goes to stderr. One that does not return is told to stop and left
    behind. It is no protection from malice: who installed the code has let it do all that they may do.

    Raises
    ------
    CallFailed
        If the call raises anything, as `SystemExit`.
    TimeoutError
        If it has not returned after `seconds`.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:
            # Also what would end the program: it is reported where it is waited for.
            raised.append(error)

    thread = threading.Thread(target=run, name="call aside", daemon=True)
    with _streams_aside():
        thread.start()
        thread.join(seconds)
    if returned:
        return returned[0]
    if raised:
        raise CallFailed(repr(raised[0])) from raised[0]
    _interrupt(thread)
    raise TimeoutError(f"it did not answer within {seconds:g} seconds")


@contextmanager
def _streams_aside() -> Iterator[None]:
    """Let Python find no input, and let what it prints go to stderr: stdout is for results."""
    stdin = sys.stdin
    with open(os.devnull, encoding="utf-8") as nothing, redirect_stdout(sys.stderr):
        sys.stdin = nothing
        try:
            yield
        finally:
            sys.stdin = stdin


def _interrupt(thread: threading.Thread) -> None:
    """Raise `SystemExit` in a thread, which ends a loop of Python, though no wait of the system."""
    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
