"""Progress in a Jupyter notebook, where nobody passed a function to report it to."""

from __future__ import annotations

import html
import sys
import time
from typing import Any

from napari_graft.core.progress import Progress, Report, ignore_progress

_EVERY = 0.2


def default_report() -> Report:
    """Return what shows progress in the cell of a notebook, and outside a notebook what ignores it."""
    display = _display()
    return ignore_progress if display is None else NotebookProgress(display)


def _display() -> Any:
    """Return IPython's ``display`` where a notebook runs this; IPython is there then, and never imported."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return sys.modules["IPython.display"].display


class NotebookProgress:
    """Report that draws a bar with the time left in the output of the cell; notes stay below it.

    Parameters
    ----------
    display
        ``IPython.display.display``.
    """

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None
        self._began = self._shown_at = time.monotonic()
        self._message = ""
        self._notes: list[str] = []

    def __call__(self, progress: Progress) -> None:
        """Draw the progress, at most five times a second."""
        if progress.phase == "note":
            self._notes.append(progress.message)
        now = time.monotonic()
        is_same = progress.message == self._message
        if not is_same:
            self._message, self._began = progress.message, now
        is_done = progress.total is not None and progress.done >= progress.total
        if is_same and not is_done and now - self._shown_at < _EVERY:
            return
        self._shown_at = now
        self._draw(self._words(progress, now - self._began))

    def _draw(self, page: str) -> None:
        bundle = {"text/html": page, "text/plain": self._message}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def _words(self, progress: Progress, seconds: float) -> str:
        notes = "".join(f"<div>{html.escape(note)}</div>" for note in self._notes)
        if progress.phase == "note":
            return notes
        bar, left = "<progress></progress>", ""
        if progress.total:
            share = min(max(progress.done / progress.total, 0.0), 1.0)
            bar = f'<progress value="{share:.3f}" max="1"></progress>'
            left = f" {progress.done:g} of {progress.total:g}"
            if 0 < share < 1:
                left += f", {seconds * (1 - share) / share:.0f} s left"
        numbers = "".join(f" · {html.escape(name)} {value:.3f}" for name, value in progress.metrics.items())
        return f"<div>{bar} {html.escape(progress.message)}{left}{numbers}</div>{notes}"
