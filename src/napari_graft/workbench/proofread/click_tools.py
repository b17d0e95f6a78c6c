"""What a click does: the tools of the proofreading, which gather clicks, show a preview, and make edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalGroupDescriptor

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading import tools
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.grow import Growth, grow
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import split
from napari_graft.workbench.proofread.affinities import AffinityCache
from napari_graft.workbench.proofread.correctable import Correctable, object_at

ToolName = Literal["merge", "split", "new", "delete", "fill", "smooth", "between", "onwards", "lock"]
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
    level, n_levels
        Size of the new object, from 0 to `n_levels` - 1; no levels while none grows.
    is_waiting
        Whether a new object waits for the model to look at the place.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    tool: ToolName | None = None
    points: tuple[Position, ...] = ()
    preview: EditPreview | None = None
    level: int = 0
    n_levels: int = 0
    is_waiting: bool = False


class ClickTools:
    """View-model of the tools that work by clicks.

    Parameters
    ----------
    model
        The result, or the tile, that is corrected.
    affinities
        What the model says of the borders, where that is known.
    """

    def __init__(self, model: Correctable, affinities: AffinityCache) -> None:
        self._model = model
        self._affinities = affinities
        self._pending: Edit | None = None
        self._growth: Growth | None = None
        self.state = ToolState()
        self._clicks: dict[ToolName, Callable[[ObjectMap, Position], None]] = {
            "merge": self._merge,
            "split": self._split,
            "new": self._new,
            "delete": self._delete,
            "fill": self._fill,
            "smooth": self._smooth,
            "between": self._fill_between,
            "onwards": self._carry_on,
            "lock": self._lock,
        }
        model.replaced.connect(self._on_replaced)
        model.refused.connect(self._on_refused)

    def choose(self, tool: ToolName | None) -> None:
        """Take up a tool; clicks that waited are forgotten."""
        self.cancel()
        self.state.tool = tool

    def click(self, position: Position) -> None:
        """Use the tool at a pixel of the result."""
        objects, tool = self._model.objects, self.state.tool
        if objects is None or tool is None:
            return
        try:
            self._clicks[tool](objects, position)
        except InputError as error:
            self._model.refused.emit(str(error))

    def drag(self, start: Position, stop: Position) -> None:
        """Drag the mouse from one pixel to another: across the border of two objects, to merge them."""
        objects = self._model.objects
        if objects is None or self.state.tool != "merge":
            return
        self.cancel()
        try:
            first, second = object_at(objects, start), object_at(objects, stop)
        except InputError as error:
            self._model.refused.emit(str(error))
            return
        if first != second:
            words = f"Merged objects {first} and {second}."
            self._model.do(lambda objects: tools.merge(objects, [first, second]), words)

    def confirm(self) -> bool:
        """Do what is previewed; say whether there was anything to do."""
        if self._growth is not None:
            growth, level = self._growth, self.state.level
            self.cancel()
            self._model.do(lambda objects: growth.edit(level), "Made a new object.")
            return True
        if self.state.tool != "split" or len(self.state.points) < 2:
            return False
        pending, points = self._pending, self.state.points
        words = f"Split object {self._object_at(points[0])} into {len(points)}."
        self.cancel()
        self._model.do(lambda objects: pending or self._cut(objects, points), words)
        return True

    def change_level(self, step: int) -> bool:
        """Let the new object be larger or smaller by some levels; say whether one grows."""
        if self._growth is None:
            return False
        level = min(max(self.state.level + step, 0), self.state.n_levels - 1)
        if level != self.state.level:
            self.state.level = level
            self._preview_growth(self._growth)
        return True

    def point_out(self, ids: Sequence[int]) -> None:
        """Show where objects are, which clicks are forgotten for."""
        self.cancel()

        def take(preview: EditPreview | None) -> None:
            if not self.state.points:
                self.state.preview = preview

        self._model.look(lambda objects: _outlines(objects, ids), take)

    def propose_split(self, points: Sequence[Position]) -> None:
        """Click with the tool that splits in the parts that are proposed; nothing is done yet."""
        self.choose("split")
        for point in points:
            self.click(point)

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
        self._pending, self._growth = None, None
        self.state.points, self.state.preview = (), None
        self.state.level, self.state.n_levels, self.state.is_waiting = 0, 0, False

    def _merge(self, objects: ObjectMap, position: Position) -> None:
        found = object_at(objects, position)
        if not self.state.points:
            objects.refuse_locked([found])
            self._begin(position, found)
            return
        first = object_at(objects, self.state.points[0])
        if first == found:
            raise InputError(f"this is object {found} once more: click the one to merge with it")
        self.cancel()
        self._model.do(
            lambda objects: tools.merge(objects, [first, found]), f"Merged objects {first} and {found}."
        )

    def _split(self, objects: ObjectMap, position: Position) -> None:
        found = object_at(objects, position)
        objects.refuse_locked([found])
        if self.state.points and object_at(objects, self.state.points[0]) != found:
            raise InputError("this is another object: click in each part of one, or press Esc to begin anew")
        if not self.state.points:
            self._begin(position, found, on_done=self._fetch_for_split)
            return
        self.state.points = (*dict.fromkeys((*self.state.points, position)),)
        self._preview_split()

    def _fetch_for_split(self, preview: EditPreview) -> None:
        """Ask the model about the object that was clicked: until it answers, its shape decides."""
        points = self.state.points
        box = Tile(preview.start, preview.parts.shape)

        def take(_: AffinityMap) -> None:
            if len(self.state.points) > 1 and self.state.points[0] == points[0]:
                self._preview_split()

        if self._affinities.find(box) is None:
            self._affinities.fetch(box, take)

    def _preview_split(self) -> None:
        self._pending = None
        points = self.state.points

        def work(objects: ObjectMap) -> tuple[Edit, EditPreview]:
            edit = self._cut(objects, points)
            return edit, _parts(objects, object_at(objects, points[0]), edit)

        def take(made: tuple[Edit, EditPreview]) -> None:
            if self.state.points == points:
                self._pending, self.state.preview = made

        self._model.look(work, take)

    def _cut(self, objects: ObjectMap, points: tuple[Position, ...]) -> Edit:
        found = object_at(objects, points[0])
        affinities = self._affinities.find(objects.box(found))
        return split(objects, found, [[point] for point in points], affinities)

    def _new(self, objects: ObjectMap, position: Position) -> None:
        found = objects.id_at(position)
        if found is not None:
            raise InputError(f"object {found} is here: click where there is none")
        self.cancel()
        box = self._affinities.around(position)
        points = self.state.points = (position,)
        known = self._affinities.find(box)
        if known is not None:
            self._grow(known, position)
            return

        def take(affinities: AffinityMap) -> None:
            if self.state.points == points:
                self._grow(affinities, position)

        self.state.is_waiting = self._affinities.fetch(box, take)

    def _grow(self, affinities: AffinityMap, position: Position) -> None:
        points = self.state.points

        def work(objects: ObjectMap) -> Growth:
            return grow(objects, self._affinities.basins(affinities), position)

        def take(growth: Growth) -> None:
            if self.state.points != points:
                return
            self._growth, self.state.is_waiting = growth, False
            self.state.n_levels, self.state.level = growth.n_levels, growth.start_level
            self._preview_growth(growth)

        self._model.look(work, take)

    def _preview_growth(self, growth: Growth) -> None:
        level = self.state.level

        def take(preview: EditPreview) -> None:
            if self._growth is growth and self.state.level == level:
                self.state.preview = preview

        self._model.look(lambda _: _shape_of(growth.edit(level)), take)

    def _begin(
        self,
        position: Position,
        object_id: int,
        *,
        on_done: Callable[[EditPreview], None] = lambda preview: None,
    ) -> None:
        """Keep the first of several clicks, and show what was clicked."""
        points = self.state.points = (position,)

        def take(preview: EditPreview) -> None:
            if self.state.points == points:
                self.state.preview = preview
                on_done(preview)

        self._model.look(lambda objects: _outline(objects, object_id), take)

    def _delete(self, objects: ObjectMap, position: Position) -> None:
        found, background = object_at(objects, position), self._model.background
        self._model.do(
            lambda objects: tools.delete(objects, [found], background=background), f"Deleted object {found}."
        )

    def _fill(self, objects: ObjectMap, position: Position) -> None:
        found = object_at(objects, position)
        self._model.do(lambda objects: tools.fill_holes(objects, found), f"Filled object {found}.")

    def _smooth(self, objects: ObjectMap, position: Position) -> None:
        found, background = object_at(objects, position), self._model.background
        self._model.do(
            lambda objects: tools.smooth(objects, found, background=background), f"Smoothed object {found}."
        )

    def _fill_between(self, objects: ObjectMap, position: Position) -> None:
        found = object_at(objects, position)
        self._model.do(lambda objects: tools.interpolate(objects, found), f"Filled object {found} through z.")

    def _carry_on(self, objects: ObjectMap, position: Position) -> None:
        found, z = object_at(objects, position), position[0]
        self._model.do(
            lambda objects: tools.carry_on(objects, found, z), f"Carried object {found} on to z {z + 1}."
        )

    def _lock(self, objects: ObjectMap, position: Position) -> None:
        self._model.toggle_lock(position)

    def _object_at(self, position: Position) -> int | None:
        objects = self._model.objects
        return None if objects is None else objects.id_at(position)

    def _on_refused(self) -> None:
        if self.state.tool == "new":  # no model has an answer for this place
            self.cancel()

    def _on_replaced(self) -> None:
        self.cancel()
        place = self._model.place
        self._affinities.use(place)
        if place is None:
            self.state.tool = None


def _outline(objects: ObjectMap, object_id: int) -> EditPreview:
    box = objects.box(object_id)
    return EditPreview(box.start, (objects.labels[box.slices] == object_id).astype(np.uint8))


_LARGEST_OUTLINE = 1 << 24


def _outlines(objects: ObjectMap, ids: Sequence[int]) -> EditPreview | None:
    """Return where some objects are, each as a part of its own; None where they are too large to be shown."""
    boxes = [objects.box(one) for one in ids]
    start = tuple(map(min, *(box.start for box in boxes), boxes[0].start))
    stop = tuple(map(max, *(box.stop for box in boxes), boxes[0].stop))
    whole = Tile(start, tuple(b - a for a, b in zip(start, stop, strict=True)))
    if whole.n_pixels > _LARGEST_OUTLINE:
        return None
    labels = objects.labels[whole.slices]
    parts = np.zeros(whole.shape, np.uint8)
    for number, one in enumerate(ids, 1):
        parts[labels == one] = number
    return EditPreview(whole.start, parts)


def _parts(objects: ObjectMap, object_id: int, edit: Edit) -> EditPreview:
    """Return the parts that an edit cuts an object into; what stays is the first."""
    preview = _outline(objects, object_id)
    where = tuple(axis - start for axis, start in zip(edit.positions(), preview.start, strict=True))
    labels = np.repeat(edit.after, edit.lengths)
    preview.parts[where] = 2 + np.searchsorted(np.unique(edit.after), labels)
    return preview


def _shape_of(edit: Edit) -> EditPreview:
    parts = np.zeros(edit.box.shape, np.uint8)
    parts[tuple(axis - start for axis, start in zip(edit.positions(), edit.box.start, strict=True))] = 1
    return EditPreview(edit.box.start, parts)
