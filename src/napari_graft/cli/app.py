"""The command ``napari-graft``: its commands, and how their errors reach the shell."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Group, Parameter

from napari_graft.cli.commands import (
    auto,
    benchmarks,
    bridging,
    demo,
    exporting,
    loop,
    merging,
    prediction,
    pretraining,
    projects,
    sources,
    training,
    trials,
)
from napari_graft.cli.console import USER_ERROR, is_verbose, listening, set_verbosity, unwind
from napari_graft.cli.ending import INTERRUPTED, STOPPED, end_when_asked_to
from napari_graft.cli.jobs import add_plugin_jobs
from napari_graft.core.errors import Cancelled, GraftError, InputError, StorageError
from napari_graft.core.process import wait_without_spinning

FAILED = 1
PIPE_CLOSED = 141
"""As the shell counts a program that SIGPIPE has ended, as in ``napari-graft info p.graft | head -1``."""

HELP = """
The nearest pretrained model, a few painted tiles, and a segmentation.

Example: `napari-graft demo` shows the whole loop. With an image of your own:

    napari-graft new cortex.graft --image cortex.tif --structure neurites
    napari-graft rank cortex.graft
    napari-graft suggest cortex.graft --n 4
    napari-graft annotate cortex.graft --labels painted.tif
    napari-graft train cortex.graft --time-budget 2m
    napari-graft predict cortex.graft --out segments.tif
"""

app = App(
    name="napari-graft",
    help=HELP,
    help_format="markdown",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(negative_iterable=()),
)
app.meta.suppress_keyboard_interrupt = False
app.meta.group_parameters = Group("Options of every command", sort_key=9)
_GROUPS: dict[str, tuple[Callable[..., object] | App, ...]] = {
    "Begin": (demo.demo, projects.new, projects.info, projects.app),
    "Choose a source": (
        loop.rank,
        loop.compare,
        trials.plan,
        trials.trial,
        merging.merge,
        bridging.bridge,
        pretraining.pretrain,
        sources.app,
    ),
    "Annotate and train": (loop.suggest, loop.annotate, training.train, auto.auto),
    "Segment": (prediction.predict, prediction.evaluate, exporting.export),
    "Measure the program": (benchmarks.benchmark,),
}


def _add_commands() -> None:
    for place, (title, commands) in enumerate(_GROUPS.items()):
        group = Group(title, sort_key=place)
        for command in commands:
            if isinstance(command, App):
                command.group = (group,)
                app.command(command)
            else:
                app.command(command, group=group)
    app.register_install_completion_command(
        "install-completion", group=Group("Set-up", sort_key=len(_GROUPS))
    )


_add_commands()


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    quiet: Annotated[bool, Parameter(negative="")] = False,
    verbose: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Run a command.

    Parameters
    ----------
    tokens
        The command and what is given to it.
    quiet
        Show no progress and no notes, only results and errors.
    verbose
        Tell more of what is done, and the whole traceback of a fault of the program.
    """
    set_verbosity(is_quiet=quiet, is_verbose=verbose)
    app(tokens, exit_on_error=False, print_error=False, result_action="return_value")


def run_and_exit(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the program; see `run`."""
    wait_without_spinning()
    replace_unprintable()
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
        _leave_output()
        return PIPE_CLOSED
    except OSError as error:  # of the last flush
        _leave_output()
        _say(f"error: the results cannot be written to the output: {tell_system_error(error)}")
        return USER_ERROR


def _run(arguments: Sequence[str] | None) -> int:
    typed = sys.argv[1:] if arguments is None else list(arguments)
    try:
        refuse_undecodable(typed)
        if next((one for one in typed if not one.startswith("-")), "") not in set(app):
            add_plugin_jobs(app)
        app.meta(typed, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _say(f"error: {' '.join(str(error).split())} ({_help_of(error)})")
        return USER_ERROR
    except (Cancelled, BrokenPipeError):
        raise
    except GraftError as error:
        _say(f"error: {error}")
        return USER_ERROR if isinstance(error, (InputError, StorageError)) else FAILED
    except OSError as error:
        _say(f"error: {tell_system_error(error)}")
        return USER_ERROR
    except SystemExit as error:
        return int(error.code or 0)
    except Exception as error:  # the command ends here: a person gets words, and whoever asks the traceback
        _tell_fault(error)
        return FAILED
    return 0


def _help_of(error: CycloptsError) -> str:
    """Return the help to look into: that of the command, where one was named."""
    words = " ".join(("napari-graft", *(error.command_chain or ())))
    return f"'{words} --help' shows the {'options' if error.command_chain else 'commands'}"


def _tell_fault(error: Exception) -> None:
    if is_verbose():
        _say("".join(traceback.format_exception(error)).rstrip())
    kind = type(error).__name__
    _say(
        f"error: this is a fault of napari-graft ({kind}: {error}); please report it, with what the same "
        "command shows with --verbose"
    )


def _say(words: str) -> None:
    with suppress(OSError):  # the terminal may have been closed
        print(words, file=sys.stderr, flush=True)


def _leave_output() -> None:
    """Let Python find nobody to complain to when it closes the output at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_REMEDIES = {
    errno.EACCES: "you may not read or write it: change its permissions, or choose another place",
    errno.EPERM: "you may not change it: choose another place",
    errno.EROFS: "the disk can only be read: choose another place",
    errno.ENAMETOOLONG: "the name is too long: choose one of fewer than 200 letters",
    errno.ELOOP: "the link points to itself: name the file that is meant",
    errno.ENOENT: "it does not exist: check the path",
    errno.ENOTDIR: "a part of the path is a file, not a folder: check the path",
    errno.EISDIR: "it is a folder, where a file is needed: check the path",
    errno.EEXIST: "it exists already: choose another name",
    errno.ENOSPC: "the disk is full: make room, then run the same command again",
    errno.EDQUOT: "your quota is used up: make room, then run the same command again",
    errno.EFBIG: "the file would be larger than is allowed: choose another place, or raise the limit",
    errno.EMFILE: "too many files are open: raise the limit with 'ulimit -n', then try again",
    errno.EIO: "the disk cannot read or write it: copy the file to another disk",
    errno.ESTALE: "the network drive was lost: connect it again",
}


def tell_system_error(error: OSError) -> str:
    """Return what the system refused, on which file, and what to do, in one line."""
    name = error.filename2 or error.filename
    where = "" if name is None else f"{os.fsdecode(name) if isinstance(name, bytes) else name}: "
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return f"{where}{error.strerror or error or type(error).__name__}: check the path and the disk"
    return f"{where}{remedy}" if where else f"{error.strerror}: {remedy}"


def refuse_undecodable(arguments: Sequence[str]) -> None:
    """Refuse what was typed, or a folder to work in, where its bytes are no UTF-8 text.

    Such a name cannot be written into a project.

    Raises
    ------
    InputError
        If so; with the bytes escaped.
    """
    for text, what in (*((one, "the name") for one in arguments), (_here(), "the name of the folder")):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            shown = os.fsencode(text).decode("utf-8", errors="backslashreplace")
            raise InputError(
                f"{what} {shown!r} is no text in UTF-8, so that no project can keep it: rename it "
                "(convmv -f latin1 -t utf8 does so for many)"
            ) from None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def replace_unprintable() -> None:
    """Let letters that the terminal or file cannot show be replaced instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")
