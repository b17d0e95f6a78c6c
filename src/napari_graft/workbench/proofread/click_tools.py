"""What a click does: the tools of the proofreading, which gather clicks, show a preview, and make edits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalGroupDescriptor

from napari_graft.core.errors import InputError
from napari_graft.proofreading import tools
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import split
from napari_graft.workbench.proofread.model import ProofreadingModel, object_at
from napari_graft.workbench.proofread.open_result import OpenResult

ToolName = Literal["merge", "split", "delete", "fill", "smooth", "lock"]
Position = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EditPreview:
    """Preview of what a tool is about to do.

    Parameters
    ----------
    start
        Pixel of the result where the first pixel of `parts` lies.
    parts
        Small integers: 0 nothing, 1… the parts that come of it.
    """

    start: Position
    parts: NDArray[np.uint8]


@dataclass(slots=True, weakref_slot=True)
class ToolState:
    """State of the tools.

    Parameters
    ----------
    tool
        The one that a click is for, None where clicks do nothing.
    points
        Clicks that wait for further ones.
    preview
        What would be done, None where that is not known.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tool: ToolName | None = None
    points: tuple[Position, ...] = ()
    preview: EditPreview | None = None


class ClickTools:
    """View-model of the tools that work by clicks.

    Parameters
    ----------
    model
        The result that is corrected.
    """

    def __init__(self, model: ProofreadingModel) -> None:
        self._model = model
        self._pending: Edit | None = None
        self.state = ToolState()
        self._clicks: dict[ToolName, Callable[[OpenResult, Position], None]] = {
            "merge": self._merge,
            "split": self._split,
            "delete": self._delete,
            "fill": self._fill,
            "smooth": self._smooth,
            "lock": self._lock,
        }
        model.state.events.opened.connect(self._on_opened)

    def choose(self, tool: ToolName | None) -> None:
        """Take up a tool; clicks that waited are forgotten."""
        self.cancel()
        self.state.tool = tool

    def click(self, position: Position) -> None:
        """Use the tool at a pixel of the result."""
        opened, tool = self._model.state.opened, self.state.tool
        if opened is None or tool is None:
            return
        try:
            self._clicks[tool](opened, position)
        except InputError as error:
            self._model.refused.emit(str(error))

    def confirm(self) -> bool:
        """Do what is previewed; say whether there was anything to do."""
        if self.state.tool != "split" or len(self.state.points) < 2:
            return False
        pending, points = self._pending, self.state.points
        words = f"Split object {self._object_at(points[0])} into {len(points)}."
        self.cancel()
        self._model.do(lambda objects: pending or _split(objects, points), words)
        return True

    def undo(self) -> None:
        """Forget the clicks that wait; where there are none, take the last edit back."""
        if self.state.points:
            self.cancel()
        else:
            self._model.undo()

    def redo(self) -> None:
        """Do the edit again that was undone last."""
        self.cancel()
        self._model.redo()

    def cancel(self) -> None:
        """Forget the clicks that wait."""
        self._pending = None
        self.state.points, self.state.preview = (), None

    def _merge(self, opened: OpenResult, position: Position) -> None:
        found = object_at(opened.objects, position)
        if not self.state.points:
            opened.objects.refuse_locked([found])
            self._begin(position, found)
            return
        first = object_at(opened.objects, self.state.points[0])
        if first == found:
            raise InputError(f"this is object {found} once more: click the one to merge with it")
        self.cancel()
        self._model.do(
            lambda objects: tools.merge(objects, [first, found]), f"Merged objects {first} and {found}."
        )

    def _split(self, opened: OpenResult, position: Position) -> None:
        found = object_at(opened.objects, position)
        opened.objects.refuse_locked([found])
        if self.state.points and object_at(opened.objects, self.state.points[0]) != found:
            raise InputError("this is another object: click in each part of one, or press Esc to begin anew")
        if not self.state.points:
            self._begin(position, found)
            return
        self._pending = None
        points = self.state.points = (*dict.fromkeys((*self.state.points, position)),)

        def work(result: OpenResult) -> tuple[Edit, EditPreview]:
            edit = _split(result.objects, points)
            return edit, _parts(result.objects, found, edit)

        def take(made: tuple[Edit, EditPreview]) -> None:
            if self.state.points == points:
                self._pending, self.state.preview = made

        self._model.work(work, take)

    def _begin(self, position: Position, object_id: int) -> None:
        """Keep the first of several clicks, and show what was clicked."""
        points = self.state.points = (position,)

        def take(preview: EditPreview) -> None:
            if self.state.points == points:
                self.state.preview = preview

        self._model.work(lambda result: _outline(result.objects, object_id), take)

    def _delete(self, opened: OpenResult, position: Position) -> None:
        found = object_at(opened.objects, position)
        self._model.do(lambda objects: tools.delete(objects, [found]), f"Deleted object {found}.")

    def _fill(self, opened: OpenResult, position: Position) -> None:
        found = object_at(opened.objects, position)
        self._model.do(lambda objects: tools.fill_holes(objects, found), f"Filled object {found}.")

    def _smooth(self, opened: OpenResult, position: Position) -> None:
        found = object_at(opened.objects, position)
        self._model.do(lambda objects: tools.smooth(objects, found), f"Smoothed object {found}.")

    def _lock(self, opened: OpenResult, position: Position) -> None:
        self._model.toggle_lock(position)

    def _object_at(self, position: Position) -> int | None:
        opened = self._model.state.opened
        return None if opened is None else opened.objects.id_at(position)

    def _on_opened(self, opened: OpenResult | None) -> None:
        self.cancel()
        if opened is None:
            self.state.tool = None


def _split(objects: ObjectMap, points: tuple[Position, ...]) -> Edit:
    return split(objects, object_at(objects, points[0]), [[point] for point in points])


def _outline(objects: ObjectMap, object_id: int) -> EditPreview:
    box = objects.box(object_id)
    return EditPreview(box.start, (objects.labels[box.slices] == object_id).astype(np.uint8))


def _parts(objects: ObjectMap, object_id: int, edit: Edit) -> EditPreview:
    """Return the parts that an edit cuts an object into; what stays is the first."""
    preview = _outline(objects, object_id)
    where = tuple(axis - start for axis, start in zip(edit.positions(), preview.start, strict=True))
    labels = np.repeat(edit.after, edit.lengths)
    preview.parts[where] = 2 + np.searchsorted(np.unique(edit.after), labels)
    return preview
