"""What the object tools work on: a result, or the tile that is painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from psygnal import SignalInstance

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap

MakeEdit = Callable[[ObjectMap], Edit]
"""Returns an edit of the objects, and changes nothing."""


@dataclass(frozen=True, slots=True)
class AffinityPlace:
    """Where affinities are asked for, and of which model.

    Parameters
    ----------
    region
        The box of the image in whose pixels the tools work.
    reference
        A source, or a run such as ``run 0003``; None where it is not known which model made the objects.
    """

    region: Tile
    reference: str | None


class Correctable(Protocol):
    """Labels that the object tools correct."""

    @property
    def refused(self) -> SignalInstance:
        """Says what cannot be done, in words."""

    @property
    def replaced(self) -> SignalInstance:
        """Says that other labels are corrected from now on, or none."""

    @property
    def objects(self) -> ObjectMap | None:
        """The objects as they are now, to be looked at; None where there are none."""

    @property
    def background(self) -> int:
        """Label of what belongs to no object."""

    @property
    def place(self) -> AffinityPlace | None:
        """Where they lie, None where there are none."""

    def do(self, make: MakeEdit, words: str) -> None:
        """Do an edit soon; `words` say what was done."""

    def look(self, work: Callable[[ObjectMap], object], on_done: Callable[..., None]) -> None:
        """Compute something of the objects in the background; `on_done` takes it, unless they are others."""

    def toggle_lock(self, position: tuple[int, ...]) -> None:
        """Lock the object at a pixel, or unlock it."""

    def undo(self) -> None:
        """Take the last edit back."""

    def redo(self) -> None:
        """Do the edit again that was undone last."""


def object_at(objects: ObjectMap, position: tuple[int, ...]) -> int:
    """Return the id of the object at a pixel.

    Raises
    ------
    InputError
        If there is none.
    """
    found = objects.id_at(position)
    if found is None:
        raise InputError(f"there is no object at {position}: click on one")
    return found
