"""What is known of a layer that was chosen: from the layer itself, from its file, and from the user."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from psygnal import Signal

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.io.file_facts import FileFacts, read_facts
from napari_graft.io.pixel_sizes import SizeNote
from napari_graft.workbench.context import Context
from napari_graft.workbench.data_state import DataState, fitting_side
from napari_graft.workbench.extra_axes import Meaning, extra_axes
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.layer_image import LayerImage


class LayerDescription:
    """Description of the axes of a layer, and how long a pixel is.

    Parameters
    ----------
    context, state
        Where the file is read, and what shows it.
    """

    changed = Signal()

    def __init__(self, context: Context, state: DataState) -> None:
        self._context = context
        self._state = state
        self._facts: FileFacts | None = None
        self._reading: RunningJob[FileFacts | None] | None = None
        self._waiting: Callable[[], None] | None = None

    def describe(self, image: LayerImage) -> None:
        """Show what a layer says, and soon what its file says besides: that is read in a thread."""
        self._state.extra_axes = extra_axes(image)
        self._show_size()
        path = image.path
        if path is None:
            return
        self._reading = self._context.jobs.start(
            f"Reading {Path(path).name}",
            lambda report, cancel: read_facts(path),
            lane="files",
            on_done=partial(self._on_read, image),
        )
        self._reading.ended.connect(partial(self._on_reading_ended, self._reading))

    def forget(self) -> None:
        """Describe no layer any more."""
        if self._reading is not None:
            self._reading.cancel()
        if self._waiting is not None:
            self._state.is_opening = False
        self._facts = self._reading = self._waiting = None
        self._state.extra_axes = ()

    def must_wait(self, then: Callable[[], None]) -> bool:
        """Say whether the file is still being read; `then` is called once it is."""
        if self._reading is None:
            return False
        self._waiting = then
        self._state.is_opening = True
        return True

    def take_axis_for(self, axis: int, meaning: Meaning | None, index: int | None = None) -> None:
        """Say what an axis beside y and x is, and which channel or time point of it is used."""
        before = self._state.extra_axes
        after = tuple(one.taken_for(meaning, index) if one.axis == axis else one for one in before)
        self._state.extra_axes = after
        if [one.meaning for one in before] != [one.meaning for one in after]:
            self._show_size()
        self.changed.emit()

    def _on_read(self, image: LayerImage, facts: FileFacts | None) -> None:
        state = self._state
        if facts is None or state.image is not image or state.is_of_project:
            return
        self._facts = facts
        said = {one.axis: one for one in state.extra_axes if one.said_by == "user"}
        state.extra_axes = tuple(said.get(one.axis, one) for one in extra_axes(image, facts))
        self._show_size(typed=state.pixel_size if state.is_size_typed else None)
        self.changed.emit()

    def _on_reading_ended(self, job: RunningJob[FileFacts | None]) -> None:
        if self._reading is not job:
            return
        then, self._reading, self._waiting = self._waiting, None, None
        if then is not None:
            self._state.is_opening = False
            then()

    def _show_size(self, typed: tuple[float, ...] | None = None) -> None:
        """Show the pixel size that the layer says, else that of its file, unless one was typed."""
        state = self._state
        image, axes = state.image, state.spatial_axes
        if image is None:
            return
        shape = tuple(image.shape[axis] for axis in axes)
        state.tile_side = fitting_side(shape)
        if typed is not None and len(typed) == len(shape):
            return
        lengths = image.pixel_size
        own = None if lengths is None else tuple(lengths[axis] for axis in axes)
        found, note = _said_of_size(image, own, shape, self._facts)
        state.is_size_typed = False
        state.is_size_from_layer = own is not None
        state.unit, state.size_note, state.size_error = found.unit, note, ""
        state.pixel_size = found.pixel_size


def _said_of_size(
    image: LayerImage, own: tuple[float, ...] | None, shape: tuple[int, ...], facts: FileFacts | None
) -> tuple[Axes, SizeNote]:
    """Return the pixel size of a layer along its spatial axes, and that of its file where it says none."""
    if len(shape) not in (2, 3):
        return Axes(("y", "x")), image.size_note
    names = SPATIAL_NAMES[-len(shape) :]
    found = None if facts is None or own is not None else facts.size_along(names, (shape[-2], shape[-1]))
    if found is not None and (found[0].pixel_size is not None or found[1].doubt):
        return found
    return Axes(names, own, image.unit), image.size_note
