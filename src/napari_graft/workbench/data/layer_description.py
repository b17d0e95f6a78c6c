"""What is known of a chosen layer, from itself, its file and the user, and what looks odd about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from psygnal import Signal

from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.core.tile import fitting_side
from napari_graft.io.opening import FileFacts, read_facts
from napari_graft.io.pixel_sizes import SizeNote
from napari_graft.workbench.context import Context
from napari_graft.workbench.data.layer_image import LayerImage, Meaning, extra_axes
from napari_graft.workbench.data.state import DataState
from napari_graft.workbench.jobs import RunningJob

_PLAUSIBLE_NM: dict[str, tuple[float, float]] = {
    "neurites": (1.0, 120.0),
    "axons": (1.0, 500.0),
    "mitochondria": (1.0, 200.0),
    "organelles": (1.0, 200.0),
    "nuclei": (20.0, 5_000.0),
    "cells": (20.0, 20_000.0),
}
"""From the finest to the coarsest pixels at which the structure is usually imaged."""
_MOST_ANISOTROPIC = 40.0

USUAL_NM: dict[str, tuple[tuple[str, float], ...]] = {
    "neurites": (("4 nm (ssTEM)", 4.0), ("10 nm (FIB-SEM)", 10.0)),
    "axons": (("10 nm (TEM)", 10.0), ("100 nm (SEM)", 100.0)),
    "mitochondria": (("5 nm (FIB-SEM)", 5.0), ("10 nm (SBEM)", 10.0)),
    "organelles": (("5 nm (FIB-SEM)", 5.0), ("10 nm (SBEM)", 10.0)),
    "nuclei": (("0.33 µm (20 ×)", 325.0), ("0.65 µm (10 ×)", 650.0)),
    "cells": (("0.33 µm (20 ×)", 325.0), ("0.65 µm (10 ×)", 650.0)),
}
"""By structure two usual pixel sizes, in words and in nanometres."""


def pixel_size_hint(axes: Axes, structure: str | None, doubt: str = "") -> str:
    """Return what looks odd about a pixel size, in one line; empty where nothing does.

    Parameters
    ----------
    doubt
        What looked odd where it was read, or why nothing that was found is believed.
    """
    size = axes.pixel_size_in("nm")
    if doubt:
        return f"{'Not known: ' if size is None else ''}{doubt}. What is right?"
    if size is None:
        return "Not known. With it, sources work at the scale that they were trained at."
    return _oddity(size, structure)


def _oddity(size: tuple[float, ...], structure: str | None) -> str:
    if max(size) / min(size) > _MOST_ANISOTROPIC:
        return f"One side of a pixel is {max(size) / min(size):.0f} times another: is the unit right?"
    low, high = _PLAUSIBLE_NM.get(structure or "", (0.0, float("inf")))
    if size[-1] < low:
        return f"{size[-1]:g} nm is unusually fine for {structure}: is the unit right?"
    if size[-1] > high:
        return f"{size[-1]:g} nm is unusually coarse for {structure}: is the unit right?"
    if size[-1] != size[-2]:
        return f"Pixels are not square ({size[-2]:g} × {size[-1]:g} nm): is that right?"
    return ""


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
        image, axes, shape = state.image, state.spatial_axes, state.spatial_shape
        if image is None:
            return
        state.tile_side = fitting_side(shape, state.known_diameter.pixels)
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
