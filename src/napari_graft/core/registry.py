"""Named collections of interchangeable parts, such as strategies and scorers; guarded calls of plugins."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Generic, TypeVar

from napari_graft.core.errors import InputError

T = TypeVar("T")


class Registry(Generic[T]):
    """Parts of one kind by name, in the order in which they were registered.

    Parameters
    ----------
    kind
        What they are, in words for the user.
    more
        Returns further parts, those of plugins; asked once, when a part is first looked up. Where a name is
        taken already, that part stays.
    """

    def __init__(self, kind: str, more: Callable[[], Mapping[str, object]] | None = None) -> None:
        self._kind = kind
        self._items: dict[str, T] = {}
        self._more = more

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that stores a part under `name`.

        Raises
        ------
        ValueError
            If the name is taken: a second part would silently replace the first.
        """

        def store(item: T) -> T:
            if name in self._items:
                raise ValueError(f"a {self._kind} named {name!r} is registered already")
            self._items[name] = item
            return item

        return store

    def __getitem__(self, name: str) -> T:
        try:
            return self._all[name]
        except KeyError:
            raise InputError(
                f"no {self._kind} is called {name!r}: choose one of {', '.join(self._all)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, name: object) -> bool:
        return name in self._all

    @property
    def _all(self) -> dict[str, T]:
        if self._more is not None:
            more, self._more = self._more, None
            for name, part in more().items():
                self._items.setdefault(name, part)  # type: ignore[arg-type]  # whoever wrote the plugin says so
        return self._items


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


_GRACE = 0.2
"""Seconds within which a thread that runs Python hears that it should stop."""


def _interrupt(thread: threading.Thread) -> None:
    """Raise `SystemExit` in a thread, which ends a loop of Python, though no wait of the system.

    What a thread that waits does not hear is taken back: the interpreter would look for it at each call of
    any function, and for ever at the first one under a profiler or a debugger.
    """
    _raise_in(thread, SystemExit)
    thread.join(_GRACE)
    if thread.is_alive():
        _raise_in(thread, None)
        _end_the_search()


def _raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Let an error be raised in a thread when it next runs Python, or with None take that back."""
    if thread.ident is not None:
        raised = None if error is None else ctypes.py_object(error)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), raised)


def _end_the_search() -> None:
    """Let a thread hear an error: CPython stops to look for any only when one is heard."""

    def wait() -> None:
        with suppress(SystemExit):
            while True:
                time.sleep(0.001)

    listening = threading.Thread(target=wait, name="listening", daemon=True)
    listening.start()
    _raise_in(listening, SystemExit)
    listening.join()
