"""The command ``napari-graft``: its commands, and how their errors reach the shell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from napari_graft.cli import benchmarks, demo, loop, merging, prediction, projects, sources, training, trials
from napari_graft.cli.console import INTERRUPTED, USER_ERROR, stderr
from napari_graft.core.errors import Cancelled, GraftError, InputError, StorageError
from napari_graft.core.waiting import wait_without_spinning

FAILED = 1

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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the program: 0 done, 2 the user's input is at fault, 130 interrupted."""
    wait_without_spinning()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        message = " ".join(str(error).split())
        stderr.print(
            f"error: {message} ('napari-graft --help' shows the commands)", markup=False, soft_wrap=True
        )
        return USER_ERROR
    except (Cancelled, KeyboardInterrupt):
        stderr.print("stopped; what was finished is kept", markup=False)
        return INTERRUPTED
    except GraftError as error:
        stderr.print(f"error: {error}", markup=False, soft_wrap=True)
        return USER_ERROR if isinstance(error, (InputError, StorageError)) else FAILED
    except SystemExit as error:
        return int(error.code or 0)
    return 0
