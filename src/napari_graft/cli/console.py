"""Where words go: results to stdout, progress and messages to stderr, errors to an exit code."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from napari_graft.cli.interruption import listening, unwind
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report

stderr = Console(stderr=True, highlight=False, soft_wrap=True)

USER_ERROR = 2
_LINE_EVERY = 5.0


def set_verbosity(*, is_quiet: bool, is_verbose: bool) -> None:
    """Decide whether progress and notes are shown, and whether the log is."""
    stderr.quiet = is_quiet
    logging.getLogger("napari_graft").setLevel(logging.DEBUG if is_verbose else logging.NOTSET)
    if is_verbose:
        logging.basicConfig(format="%(name)s: %(message)s", stream=sys.stderr)


def is_verbose() -> bool:
    """Say whether the whole story of a fault is wanted."""
    return logging.getLogger("napari_graft").level == logging.DEBUG


def print_json(value: object) -> None:
    """Write one JSON document to stdout; numbers that are not finite become null."""
    sys.stdout.write(json.dumps(_finite(value), indent=2, allow_nan=False) + "\n")


def print_note(note: str | None) -> None:
    """Write a note to stderr, nothing for None."""
    if note is not None:
        stderr.print(f"{NOTE}{note}", markup=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def progress() -> Iterator[tuple[Report, CancelToken]]:
    """Show progress while the block runs; Ctrl+C asks the job to stop, a second one ends the program.

    So do SIGTERM and SIGHUP.
    """
    token = CancelToken()

    def stop(number: int, frame: FrameType | None) -> None:
        if token.is_cancelled:
            unwind(number, frame)
        token.cancel()

    with listening(stop), _bar() if stderr.is_terminal else _lines() as report:
        yield _unheard(report), token


def _unheard(report: Report) -> Report:
    """Return a listener that goes on where nobody reads any more: a terminal that was closed, a pipe."""

    def tell(state: Progress) -> None:
        with suppress(OSError):
            report(state)

    return tell


@contextmanager
def _bar() -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Bar(*columns, console=stderr, transient=True)
    task = bar.add_task("starting", total=None)

    def report(state: Progress) -> None:
        if state.message.startswith(NOTE):
            bar.console.print(state.message, markup=False)
            return
        words = "  ".join(_numbers(state))
        bar.update(task, description=f"{state.message}  {words}", total=state.total, completed=state.done)

    bar.start()
    try:
        yield report
    finally:
        with suppress(OSError):  # the terminal may have been closed
            bar.stop()


@contextmanager
def _lines() -> Iterator[Report]:
    shown, shown_at = "", 0.0

    def report(state: Progress) -> None:
        """Print a line when there is another message, and every few seconds."""
        nonlocal shown, shown_at
        now = time.monotonic()
        if state.message == shown and now - shown_at < _LINE_EVERY:
            return
        shown, shown_at = state.message, now
        if stderr.quiet:
            return
        if state.message.startswith(NOTE):
            print(state.message, file=sys.stderr, flush=True)
            return
        amount = f" {state.done:g} of {state.total:g}" if state.total else ""
        words = "".join(f"  {one}" for one in _numbers(state))
        print(f"{state.message}{amount}{words}", file=sys.stderr, flush=True)

    yield report


def _numbers(state: Progress) -> list[str]:
    """Return what is measured on the way, with its unit where it has one."""
    return [
        f"{name.removesuffix('_mb')} {value:.0f} MB" if name.endswith("_mb") else f"{name} {value:.3f}"
        for name, value in state.metrics.items()
    ]
