"""How a long job tells what it has done, and how it is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from napari_graft.core.errors import Cancelled

NOTE = "note: "
"""How a note begins where it is printed."""
Phase = Literal["", "note", "training", "object size"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a job.

    Parameters
    ----------
    done, total
        Units of work finished and expected; `total` is None where it is not known yet.
    message
        What is being done, in words for the user.
    metrics
        Numbers of the moment, such as the loss.
    partial
        What is known of the result so far, in its form; None where that has not changed.
    phase
        What kind of work it is, for who shows it in another way: a note, which is to stay in sight, a step of
        a training, or the search for the size of the objects.
    """

    done: float
    total: float | None
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    partial: Mapping[str, object] | None = None
    phase: Phase = ""


Report = Callable[[Progress], None]


def report_of_first(report: Report, share: float) -> Report:
    """Report the progress of the first of two halves, of which it is a share, as that of both."""

    def tell(state: Progress) -> None:
        total = None if state.total is None else state.total / share
        report(replace(state, total=total))

    return tell


def report_of_second(report: Report, n_done: float) -> Report:
    """Report the progress of the second of two halves as that of both, after so many units of the first."""

    def tell(state: Progress) -> None:
        total = None if state.total is None else state.total + n_done
        report(replace(state, done=state.done + n_done, total=total))

    return tell


def note(words: str) -> Progress:
    """Return a note, which stays in sight where progress is shown."""
    return Progress(0, None, f"{NOTE}{words}", phase="note")


def ignore_progress(progress: Progress) -> None:
    """Take a progress report and do nothing with it."""


class CancelToken:
    """Flag that asks a job to stop; the job polls it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._at_once = threading.Event()

    def cancel(self, *, at_once: bool = False) -> None:
        """Ask the job to stop; it may be called from any thread and more than once.

        Parameters
        ----------
        at_once
            Whether to leave out as well what tells how good that is which it brings home.
        """
        if at_once:
            self._at_once.set()
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Say whether the job was asked to stop."""
        return self._event.is_set()

    @property
    def at_once(self) -> CancelToken:
        """A token for stopping at once: for what is still done after a first request to stop."""
        token = CancelToken()
        token._event = token._at_once = self._at_once
        return token

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` once the job was asked to stop."""
        if self._event.is_set():
            raise Cancelled("stopped on request")
