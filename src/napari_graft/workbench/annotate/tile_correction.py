"""The object tools on the tile that is painted: they begin with the guess, and their edits are strokes."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal, SignalInstance

from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.labels import BACKGROUND, FIRST_OBJECT
from napari_graft.core.progress import CancelToken, Report
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.annotate.tile_painting import Labels, TilePainting
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.correctable import AffinityPlace, MakeEdit


class TileCorrection:
    """The open tile as what the object tools correct (`Correctable`).

    An edit goes to whoever shows the painting, as a stroke does: it is undone with the strokes, and kept in
    the draft of the tile, so that it can be undone after a restart.

    Parameters
    ----------
    context
        What the window shares.
    model
        Holds the open tile.
    """

    replaced = Signal()
    edited = Signal(Edit)
    """Asks whoever shows the painting to do an edit on it, in pixels of the tile."""

    def __init__(self, context: Context, model: AnnotatingModel) -> None:
        self._context = context
        self._model = model
        self._seen: Labels | None = None
        self._objects: ObjectMap | None = None
        model.state.events.painting.connect(self._on_painting)
        context.hear(context.runs_changed, self.replaced.emit)

    @property
    def refused(self) -> SignalInstance:
        """Says what cannot be done, in words."""
        return self._model.refused

    @property
    def objects(self) -> ObjectMap | None:
        """The objects that are on the tile now, not to be changed; None where no tile is open."""
        self._model.labels_wanted.emit()
        painting, labels = self._model.state.painting, self._model.open_tile.labels
        if painting is None or labels is None or painting.tile != self._model.state.current:
            return None
        if labels is not self._seen:  # what is painted is copied with every change
            self._seen, self._objects = labels, ObjectMap(labels, first_object=FIRST_OBJECT)
        return self._objects

    @property
    def background(self) -> int:
        """Label of what belongs to no object."""
        return BACKGROUND

    @property
    def place(self) -> AffinityPlace | None:
        """Where the tile lies, and the model whose guess it began with or would begin with now."""
        painting = self._model.state.painting
        if painting is None:
            return None
        return AffinityPlace(painting.tile, self._model.model_in_use() or painting.model)

    def do(self, make: MakeEdit, words: str) -> None:
        """Do an edit at once; `words` say what was done."""
        objects = self.objects
        if objects is None:
            self._model.refused.emit("no tile is open: go to one first")
            return
        try:
            edit = make(objects)
            edit.apply(objects.labels.copy())  # it may have been made before the last stroke
        except InputError as error:
            self._model.refused.emit(str(error))
            return
        if edit.n_pixels == 0:
            self._model.told.emit("Nothing had to be changed.")
            return
        self.edited.emit(edit)
        self._model.labels_wanted.emit()
        self._model.told.emit(words)

    def look(self, work: Callable[[ObjectMap], object], on_done: Callable[..., None]) -> None:
        """Compute something of the objects in the background; `on_done` takes it, unless they are others."""
        objects = self.objects
        if objects is None:
            return

        def task(report: Report, cancel: CancelToken) -> object:
            try:
                return work(objects)
            except GraftError as error:
                return error

        def take(found: object) -> None:
            if self.objects is not objects:
                return
            if isinstance(found, GraftError):
                self._model.refused.emit(str(found))
            else:
                on_done(found)

        self._context.jobs.start("Looking at the objects", task, lane="edits", on_done=take)

    def toggle_lock(self, position: tuple[int, ...]) -> None:
        """Refuse: objects are locked in results alone."""
        self._model.refused.emit("objects of a tile cannot be locked: B protects what is painted")

    def undo(self) -> None:
        """Take back the last stroke or edit on the tile, also one of before a restart."""
        self._model.labels_wanted.emit()
        self._show_step(self._model.open_tile.undo(), "Undone.", "There is nothing to undo on this tile.")

    def redo(self) -> None:
        """Do again what was undone last."""
        self._model.labels_wanted.emit()
        words = "There is nothing to do again on this tile."
        self._show_step(self._model.open_tile.redo(), "Done again.", words)

    def _show_step(self, edit: Edit | None, words: str, nothing: str) -> None:
        if edit is None:
            self._model.told.emit(nothing)
            return
        self.edited.emit(edit)
        self._model.state.n_forgotten = 0
        self._model.told.emit(words)

    def _on_painting(self, painting: TilePainting | None) -> None:
        if painting is None:
            self._seen = self._objects = None
        self.replaced.emit()
