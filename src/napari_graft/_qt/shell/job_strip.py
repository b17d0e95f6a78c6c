"""The strip of jobs, and napari's activity dock: what is under way, how long, and what went wrong."""

from __future__ import annotations

import time

from napari.utils import cancelable_progress
from napari.utils.notifications import show_error
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from napari_graft._qt.widgets.basics import button, column, in_words, row, set_look, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob

_STEPS = 100


class _JobBar(cancelable_progress):
    """A bar whose button stops the job."""

    def __init__(self, job: RunningJob[object]) -> None:
        self._job = job
        super().__init__(total=_STEPS, desc=job.state.title)

    def cancel(self) -> None:
        super().cancel()
        self._job.cancel()


def show_in_activity(job: RunningJob[object]) -> None:
    """Show a job in the activity dock, where it can be stopped, until it ends."""
    bar = _JobBar(job)

    def advance(fraction: float | None) -> None:
        # Each update lets napari go through all that waits for the window, in the midst of what goes on here.
        if fraction is not None and (n_new := round(_STEPS * fraction) - bar.n):
            bar.update(n_new)

    def close() -> None:
        bar.close()

    job.state.events.fraction.connect(advance)
    job.ended.connect(close)


_REFRESH_MILLISECONDS = 1000
_BETWEEN_NEWS_MILLISECONDS = 100
"""Whoever draws the dock more often than that draws the whole window, canvas and all, for nothing."""
_PATIENCE_MILLISECONDS = 300
"""A job that ends sooner is not shown: the dock would only flicker."""


class JobStrip(QWidget):
    """Widget with the jobs of a window, the last error, and when all was saved.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._rows: dict[int, JobRow] = {}
        self._jobs = QVBoxLayout()
        self._jobs.setSpacing(4)
        self.status = text("", "faint")
        self.error = ErrorLine()
        layout = column(self.error, spacing=4, margin=4)
        layout.addLayout(self._jobs)
        layout.addWidget(self.status)
        self.setLayout(layout)
        listen(self, context.jobs.started, self._on_job_started)
        listen(self, context.jobs.ended, self._on_job_ended)
        listen(self, context.saved, self._show_status)
        listen(self, context.draft_failed, self.error.show_message)
        listen(self, context.failures.told, self._on_failure)
        listen(self, context.project_closing, self.error.clear)
        listen(self, context.project_changed, self._show_status)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_status)
        self._timer.start(_REFRESH_MILLISECONDS)
        self._show_status()

    def _on_failure(self, message: str) -> None:
        self.error.show_message(message)
        show_error(message)

    def _on_job_started(self, job: RunningJob[object]) -> None:
        if self.error.title == job.state.title:  # it is tried again; other jobs begin all the time
            self.error.clear()
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: self._show_job(job))
        timer.timeout.connect(timer.deleteLater)
        timer.start(_PATIENCE_MILLISECONDS)

    def _show_job(self, job: RunningJob[object]) -> None:
        if not job.state.is_active:
            return
        row_of_job = JobRow(job)
        self._rows[id(job)] = row_of_job
        self._jobs.addWidget(row_of_job)
        show_in_activity(job)
        self._show_status()

    def _on_job_ended(self, job: RunningJob[object]) -> None:
        row_of_job = self._rows.pop(id(job), None)
        if row_of_job is not None:
            self._jobs.removeWidget(row_of_job)
            row_of_job.deleteLater()
        if job.state.status == "failed":
            message = f"{job.state.title}: {job.state.error}"
            self.error.show_message(message, title=job.state.title)
            show_error(message)
        self._show_status()

    def _show_status(self) -> None:
        words = "working" if self._rows else "idle"
        if self._context.saved_at is not None:
            seconds = time.monotonic() - self._context.saved_at
            words += " · saved just now" if seconds < 2 else f" · saved {in_words(seconds)} ago"
        elif self._context.project is None:
            words += " · no project yet"
        self.status.setText(words)


class JobRow(QWidget):
    """Widget with one job: what, a bar, the time left, and a button that stops it."""

    def __init__(self, job: RunningJob[object]) -> None:
        super().__init__()
        self._job = job
        self.words = text(job.state.title)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self.stop = button("Stop", job.cancel, tip="Stop; what was finished is kept")
        layout = column(self.words, spacing=2)
        layout.addLayout(row(self._bar, self.stop))
        self.setLayout(layout)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_BETWEEN_NEWS_MILLISECONDS)
        self._later.timeout.connect(self._show)
        self._clock = QTimer(self)
        self._clock.timeout.connect(job.look_again)
        self._clock.start(_REFRESH_MILLISECONDS)
        for field in ("message", "fraction", "seconds_left", "status"):
            bind(self, job.state, field, self._show_soon)
        self._show()

    def _show_soon(self, _: object) -> None:
        if not self._later.isActive():
            self._later.start()

    def _show(self) -> None:
        state = self._job.state
        parts = [state.title]
        if state.status == "stopping":
            parts.append("stopping…")
        elif state.status == "waiting":
            parts.append("waits for its turn")
        elif not _is_said_by(state.title, state.message):
            parts.append(state.message)
        if state.seconds_left is not None and state.status == "running":
            parts.append(f"{in_words(state.seconds_left)} left" if state.seconds_left >= 1 else "nearly done")
        self.words.setText(" · ".join(parts))
        self.stop.setEnabled(state.status != "stopping")
        self._bar.setRange(0, 1000 if state.fraction is not None else 0)
        self._bar.setValue(round(1000 * (state.fraction or 0)))


def _is_said_by(title: str, message: str) -> bool:
    """Say whether a message only repeats a title, as ``"training"`` does ``"Training"``."""
    return set(message.split()) <= set(title.lower().split())


class ErrorLine(QWidget):
    """Widget with what went wrong and what to do about it, until it is dismissed or tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.words = text("", "error")
        layout = QHBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words, 1)
        layout.addWidget(button("✕", self.clear, tip="Dismiss"), 0, Qt.AlignmentFlag.AlignTop)
        self.setLayout(layout)
        self.hide()

    @property
    def message(self) -> str:
        """What is shown, empty where nothing is."""
        return self.words.text() if self.isVisibleTo(self.parentWidget()) else ""

    def show_message(self, message: str, *, title: str = "") -> None:
        """Show an error, and remember the title of the job that failed."""
        self.title = title
        set_look(self.words, "error")
        self.words.setText(message)
        self.show()

    def clear(self) -> None:
        """Hide the error."""
        self.title = ""
        self.words.setText("")
        self.hide()
