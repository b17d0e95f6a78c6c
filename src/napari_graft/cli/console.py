"""Where words go: results to stdout, progress and messages to stderr, until a signal asks to stop."""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from napari_graft.cli.ending import WISHES, end_at_once
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report

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
        if state.phase == "note":
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
        if state.phase == "note":
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


_TERMINAL = 80
_WIDE = 200
_LENGTHS = ("shape", "pixel_size")


def print_rows(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, optional: Sequence[str] = ()
) -> None:
    """Print some columns of some rows.

    Parameters
    ----------
    optional
        Columns that are left out, the first one first, until no cell needs to be broken. Where there are any,
        a table in a file or a pipe is as narrow as on a usual terminal.
    """
    console = Console(width=_width(_TERMINAL if optional else _WIDE))
    shown = list(columns)
    for column in (*optional, None):
        table = _table(rows, shown)
        options = console.options.update(max_width=10_000)
        if column is None or console.measure(table, options=options).maximum <= console.width:
            break
        shown.remove(column)
    console.print(table)


def print_markdown(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of some rows as a Markdown table, to be pasted into a page."""
    print(f"| {' | '.join(column.replace('_', ' ') for column in columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(in_words(row[column], column) for column in columns)} |")


def print_facts(facts: Mapping[str, object], width: int, *, indent: str = "") -> None:
    """Print a name and a value a line; what a value holds itself stands below it, a step further in."""
    for name, value in facts.items():
        parts = [value]
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            parts = value
        for part in parts:
            if isinstance(part, Mapping) and part:
                print(f"{indent}{name}")
                print_facts(part, width, indent=f"{indent}  ")
            else:
                print(f"{indent}{name:{width}} {in_words(part, name)}")


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        # The first column is what other commands take: never break it.
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(in_words(row[column], column) for column in columns))
    return table


def _width(otherwise: int) -> int | None:
    """Return how wide a table may be where no terminal says so."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else otherwise


def in_words(value: object, name: str = "") -> str:
    """Return a value as people write it; `name` tells lengths along axes from other lists."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {in_words(one, key)}" for key, one in value.items()) or "–"
    if isinstance(value, list | tuple):
        between = " × " if name in _LENGTHS else ", "
        return between.join(in_words(one, "") for one in value) or "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
