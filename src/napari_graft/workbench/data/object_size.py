"""The length of a pixel and the width of objects in the tab Data: typed, dragged, or found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from psygnal import Signal

from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.progress import Progress
from napari_graft.project.project import Project
from napari_graft.session.projects.object_diameter import (
    NOT_KNOWN,
    KnownDiameter,
    known_diameter,
    rounded_diameter,
    words_of_found,
)
from napari_graft.session.projects.project_image import correct_object_diameter, refuse_diameter
from napari_graft.workbench.context import Context
from napari_graft.workbench.data.state import DataState, ObjectCircle, Point, first_circle
from napari_graft.workbench.jobs import RunningJob


def parse_pixel_size(texts: Sequence[str], names: str) -> tuple[float, ...] | None:
    """Return the lengths that were typed, None where all fields are empty.

    >>> parse_pixel_size(("40", "4,0", "4"), "zyx")
    (40.0, 4.0, 4.0)

    Raises
    ------
    InputError
        If one is missing beside others, or is no positive number.
    """
    typed = [text.strip() for text in texts]
    if not any(typed):
        return None
    return tuple(_parse(text, name) for text, name in zip(typed, names, strict=True))


def parse_diameter(text: str) -> float | None:
    """Return the width of objects in pixels that was typed, None where the field is empty.

    >>> parse_diameter(" 24,5 ")
    24.5

    Raises
    ------
    InputError
        If it is no number.
    """
    typed = text.strip()
    if not typed:
        return None
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        raise InputError(f"{typed!r} is no width: type a number of pixels such as 30, or nothing.") from None


def _parse(text: str, name: str) -> float:
    if not text:
        raise InputError(f"The length along {name} is missing: type it, or empty all fields.")
    try:
        length = float(text.replace(",", "."))
    except ValueError:
        length = float("nan")
    if not 0 < length < float("inf"):
        raise InputError(f"{text!r} is no length along {name}: type a number such as 4 or 0.65.")
    return length


class _Correct(Protocol):
    def __call__(self, change: _Change, *, is_seen: bool) -> None: ...


class _Change(Protocol):
    def __call__(self, project: Project, /) -> None: ...


class ObjectSize:
    """What is known of the width of the objects, and what the user says of it.

    Parameters
    ----------
    context, state
        What the window shares, and what shows it.
    correct
        Lets the open project have a change, where the chosen image is its own.
    """

    noticed = Signal(str)
    """What a job has found, in words."""

    def __init__(self, context: Context, state: DataState, correct: _Correct) -> None:
        self._context = context
        self._state = state
        self._correct = correct
        context.hear(context.runs_changed, self.refresh)
        self._looking: set[RunningJob[object]] = set()
        context.hear(context.jobs.started, self._on_job_started)
        context.hear(context.jobs.ended, self._on_job_ended)

    def type_diameter(self, text: str) -> None:
        """Take over what was typed, nothing for what the program finds."""
        try:
            pixels = parse_diameter(text)
        except InputError as error:
            self._state.diameter_error = str(error)
            return
        self.set_diameter(pixels)

    def set_diameter(self, pixels: float | None) -> None:
        """Say how wide the objects are, and let the project have it where this is its image."""
        state = self._state
        try:
            refuse_diameter(pixels)
            self._correct(lambda project: correct_object_diameter(project, pixels), is_seen=True)
        except GraftError as error:
            state.diameter_error = str(error)
        else:
            state.diameter_error = ""
            if not state.is_of_project:
                state.object_diameter = pixels
        self.refresh()

    def refresh(self) -> None:
        """Find out anew what is known, without looking at the image; a circle that is shown follows."""
        state, project = self._state, self._context.project
        if project is not None and state.is_of_project:
            state.known_diameter = known_diameter(project)
        else:
            said = state.object_diameter
            state.known_diameter = NOT_KNOWN if said is None else KnownDiameter(said, "said")
        pixels = state.known_diameter.pixels
        if state.circle is not None and pixels is not None:
            state.circle = replace(state.circle, diameter=pixels)

    def forget(self) -> None:
        """Know nothing of another image."""
        self._state.circle = None
        self._state.object_diameter, self._state.diameter_error = None, ""
        self.refresh()

    def show_circle(self, centre: Point, shape: Sequence[int]) -> None:
        """Show on the image how wide the objects are.

        Parameters
        ----------
        centre
            Middle of what is seen of it, (y, x) in pixels.
        shape
            Of the image.
        """
        self._state.circle = first_circle(centre, shape, self._state.known_diameter.pixels)

    def hide_circle(self) -> None:
        """Show it no longer."""
        self._state.circle = None

    def drag_circle(self, circle: ObjectCircle) -> None:
        """Show the circle where it is dragged to, and as wide."""
        if self._state.circle is not None:
            self._state.circle = circle

    def drop_circle(self, before: ObjectCircle) -> None:
        """Take over the width that the circle was given, where it was not only moved."""
        circle = self._state.circle
        if circle is not None and circle.diameter != before.diameter:
            self.set_diameter(rounded_diameter(circle.diameter))

    def _on_job_started(self, job: RunningJob[object]) -> None:
        self._context.hear(job.progressed, partial(self._on_progress, job))

    def _on_progress(self, job: RunningJob[object], progress: Progress) -> None:
        if progress.phase == "object size":
            self._looking.add(job)
        elif job in self._looking:
            self._looking.discard(job)
            self._tell_found()  # what it looked for that for may take long

    def _on_job_ended(self, job: RunningJob[object]) -> None:
        if job in self._looking:
            self._looking.discard(job)
            self._tell_found()
        else:
            self.refresh()

    def _tell_found(self) -> None:
        before = self._state.known_diameter
        self.refresh()
        known = self._state.known_diameter
        if known != before and known.origin in ("found", "not found"):
            self.noticed.emit(words_of_found(known.pixels))
