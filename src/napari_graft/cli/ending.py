"""End the process where it stands, for a signal that asks to stop.

It is loaded before all others, and loads nothing itself that Python has not loaded already: what comes before
it cannot be interrupted without a traceback.
"""

from __future__ import annotations

import os

INTERRUPTED = 130
STOPPED = "stopped; what was finished is kept"
WISHES = ("SIGINT", "SIGTERM", "SIGHUP")
"""Signals that ask to stop: Ctrl+C, `kill`, and a terminal that is closed."""


def end_at_once(number: int = 0, frame: object = None) -> None:
    """End the process without unwinding it, as a handler of signals; half a file has another name."""
    try:
        # Not by print: it may be what was interrupted. And the terminal may be gone.
        os.write(2, f"{STOPPED}\n".encode())
    finally:
        os._exit(INTERRUPTED)


def end_when_asked_to() -> None:
    """Let every signal that asks to stop end the process at once."""
    # The C part of `signal`: the rest loads a dozen modules first.
    import _signal  # type: ignore[import-not-found]

    for name in WISHES:
        number = getattr(_signal, name, None)  # Windows has no SIGHUP
        # Who starts a command with `nohup` wants it to outlive the terminal.
        if number is not None and (name != "SIGHUP" or _signal.getsignal(number) != _signal.SIG_IGN):
            _signal.signal(number, end_at_once)
