"""The command ``napari-graft``: its commands, and how their errors reach the shell."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from cyclopts import App, CycloptsError

from napari_graft.cli import (
    benchmarks,
    demo,
    images,
    loop,
    merging,
    prediction,
    projects,
    sources,
    training,
    trials,
)
from napari_graft.cli.console import USER_ERROR
from napari_graft.cli.ending import INTERRUPTED, STOPPED, end_when_asked_to
from napari_graft.cli.interruption import listening, unwind
from napari_graft.core.errors import Cancelled, GraftError, InputError, StorageError
from napari_graft.core.waiting import wait_without_spinning

FAILED = 1
PIPE_CLOSED = 141
"""As the shell counts a program that SIGPIPE has ended, as in ``napari-graft info p.graft | head -1``."""

app = App(
    name="napari-graft",
    help="The nearest pretrained model, a few painted tiles, and a segmentation.",
    help_format="markdown",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
app.command(demo.demo)
app.command(projects.new)
app.command(projects.info)
app.command(images.app)
app.command(sources.app)
app.command(loop.rank)
app.command(trials.plan)
app.command(trials.trial)
app.command(loop.compare)
app.command(loop.suggest)
app.command(loop.annotate)
app.command(training.train)
app.command(merging.merge)
app.command(prediction.predict)
app.command(prediction.evaluate)
app.command(benchmarks.benchmark)


def run_and_exit(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the program; see `run`."""
    wait_without_spinning()
    code = run(arguments)
    # What Python does at its end can still be waited for by a thread.
    end_when_asked_to()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: done; 2: the user's input is at fault; 130: interrupted, by Ctrl+C, SIGTERM, or a terminal that was
    closed; 141: nobody read what it had to say; 1: anything else.
    """
    try:
        with listening(unwind):
            code = _run(arguments)
            sys.stdout.flush()
        return code
    except (Cancelled, KeyboardInterrupt):
        _say(STOPPED)
        return INTERRUPTED
    except BrokenPipeError:
        _leave_pipe()
        return PIPE_CLOSED


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _say(f"error: {' '.join(str(error).split())} ('napari-graft --help' shows the commands)")
        return USER_ERROR
    except Cancelled:
        raise
    except GraftError as error:
        _say(f"error: {error}")
        return USER_ERROR if isinstance(error, (InputError, StorageError)) else FAILED
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def _say(words: str) -> None:
    with suppress(OSError):  # the terminal may have been closed
        print(words, file=sys.stderr, flush=True)


def _leave_pipe() -> None:
    """Let Python find nobody to complain to when it closes the output at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
