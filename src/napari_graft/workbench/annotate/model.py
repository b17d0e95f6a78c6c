"""The model of the tab Annotate: which tiles to paint, the one that is open, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from psygnal import Signal

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.tile_queue import AVOIDED, TileState
from napari_graft.workbench.annotate.open_tile import OpenTile
from napari_graft.workbench.annotate.suggesting import Suggester, TileChoice
from napari_graft.workbench.annotate.tile_list import Acceptance, AnnotatingState, QueueEditor, QueueFiles
from napari_graft.workbench.annotate.tile_painting import Labels, TilePainting, with_background
from napari_graft.workbench.context import Context


class AnnotatingModel:
    """View-model of the tab Annotate: goes through the tiles and keeps what is painted.

    Parameters
    ----------
    context
        What the window shares.
    tile_side
        Returns the side of a tile, in pixels.
    chosen_source
        Returns the source to look with before the first training, None where the user chose none.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    told = Signal(str)
    """What was done, in words."""
    labels_wanted = Signal()
    """Asks whoever shows the painting to hand over what is on it now, by `note_painting`."""

    def __init__(
        self, context: Context, *, tile_side: Callable[[], int], chosen_source: Callable[[], str | None]
    ) -> None:
        self.state = AnnotatingState()
        self._context = context
        self._tile_side = tile_side
        self.chosen_source = chosen_source
        self._files = QueueFiles(context)
        self.tiles = QueueEditor(self.state, self._files)
        self._suggester = Suggester(context)
        self.options = self._suggester.options
        self.open_tile = OpenTile(context)
        self._wants_sparse = False
        context.hear(context.project_closing, self.labels_wanted.emit)
        context.hear(context.project_changed, self._on_project_changed)

    def suggest(self) -> None:
        """Suggest the tiles most worth painting, as many as the budget leaves, and segment them."""
        if self.state.is_suggesting or self.state.n_to_suggest == 0:
            return
        # All of the list that is not accepted: the file may not say yet what was decided a moment ago.
        avoid = [queued.tile for queued in self.state.queue.tiles if queued.state != "done"]
        n, model = self.state.n_to_suggest, self.model_in_use()
        try:
            job = self._suggester.suggest(n, self._tile_side(), model, avoid, self._on_suggested)
        except InputError as error:
            self.refused.emit(str(error))
            return
        self.state.is_suggesting = True
        job.ended.connect(lambda: setattr(self.state, "is_suggesting", False))

    def go_to(self, tile: Tile) -> None:
        """Open a tile for painting: its draft, what was accepted, or the guess."""
        self.labels_wanted.emit()
        self._leave()
        self.state.current = tile
        self._read(tile)

    def next(self) -> None:
        """Go to the next tile to do, or else to one that was left as unsure."""
        queue = self.state.queue
        unsure = [one for one in queue.tiles if one.state == "unsure" and one.tile != self.state.current]
        found = queue.next_to_do(self.state.current) or next(iter(unsure), None)
        if found is not None:
            self.go_to(found.tile)
        elif queue.tiles:
            self.told.emit("All tiles are painted. Train on them, or suggest more.")
        else:
            self.refused.emit("there are no tiles yet: suggest some")

    def previous(self) -> None:
        """Go to the tile before this one in the list."""
        tiles = [queued.tile for queued in self.state.queue.tiles if queued.state not in AVOIDED]
        if not tiles:
            self.refused.emit("there are no tiles yet: suggest some")
            return
        place = tiles.index(self.state.current) if self.state.current in tiles else 0
        self.go_to(tiles[place - 1])

    def model_in_use(self) -> str | None:
        """Return the model whose guess is painted over: the run in use, else the chosen source."""
        project = self._context.project
        run = None if project is None else project.latest_run()
        return self.chosen_source() if run is None else f"run {run.id}"

    def look_anew(self) -> None:
        """Take the guess that the model in use has of the open tile, in place of that of another."""
        if self.state.current is not None and self._context.project is not None:
            self._read(self.state.current)

    def note_painting(self, tile: Tile, labels: Labels) -> bool:
        """Take over what is on a tile now, keep it if it changed, and say whether it did."""
        if not self.open_tile.note(tile, labels):
            return False
        self.state.n_forgotten = 0
        painting, queued = self.state.painting, self.state.queue.find(tile)
        if painting is not None and (queued is None or queued.is_untouched):
            # From now on neither a new suggestion nor a new guess may take its place.
            self.tiles.change(tile, seconds=0.1, model=painting.model, sparse=self.state.is_sparse)
        return True

    def set_sparse(self, is_sparse: bool) -> None:
        """Paint strokes, or whole tiles; only what somebody painted goes from one to the other as painted."""
        if self.state.is_saving:
            self.refused.emit("this tile is being saved: change that once it is")
            return
        self._wants_sparse = self.state.is_sparse = is_sparse
        self.state.n_forgotten = 0
        self.labels_wanted.emit()
        painting, labels = self.open_tile.painting, self.open_tile.labels
        if painting is None or labels is None or painting.tile != self.state.current:
            return
        self.show(painting.in_mode(labels, is_sparse=is_sparse))

    def show(self, painting: TilePainting) -> None:
        """Show other labels on the open tile."""
        self.open_tile.show(painting)
        self.state.n_forgotten = 0
        self.state.is_sparse = painting.is_sparse
        self.state.painting = painting
        if self.open_tile.is_touched or not painting.is_new:
            self.tiles.change(painting.tile, sparse=painting.is_sparse)

    def accept(self) -> None:
        """Accept the tile as it is painted and go to the next; asks first where pixels were forgotten.

        To accept a second time is to answer yes: unlabelled pixels are background.
        """
        painting = self.painting_to_judge()
        labels = self.open_tile.labels
        if painting is None or labels is None:
            return
        n_unlabelled = self.open_tile.n_unlabelled
        if self.state.is_sparse and n_unlabelled == labels.size:
            self.refused.emit("nothing is painted on this tile yet: paint a stroke, or skip it")
        elif self.state.is_sparse or n_unlabelled == 0:
            self._save(painting, labels)
        elif self.state.n_forgotten == 0:
            self.state.n_forgotten = n_unlabelled
        else:
            self._save(painting, with_background(labels))

    def skip(self) -> None:
        """Leave the tile out, and do not suggest it again."""
        self._judge("skipped")

    def mark_bad(self) -> None:
        """Say that the image is bad here, and do not suggest the tile again."""
        self._judge("bad image")

    def mark_unsure(self) -> None:
        """Leave the tile for later, with what is painted on it."""
        self._judge("unsure")

    def _judge(self, state: TileState) -> None:
        painting = self.painting_to_judge()
        if painting is None:
            return
        if state in AVOIDED and self.tiles.find(painting.tile).state == "done":
            self.refused.emit("this tile is accepted already: paint it anew, or leave it as it is")
            return
        self.tiles.change(painting.tile, state=state)
        self.next()

    def painting_to_judge(self) -> TilePainting | None:
        """Return the open tile with what is on it now; None, and the reason said, where none is."""
        self.labels_wanted.emit()
        if self.state.is_saving:
            return None
        painting = self.state.painting
        if painting is None or painting.tile != self.state.current:
            self.refused.emit("no tile is open: go to one first")
            return None
        return painting

    def _save(self, painting: TilePainting, labels: Labels) -> None:
        tile, seconds = painting.tile, self.open_tile.take_seconds()
        queued = self.tiles.find(tile)
        # What was painted before the last acceptance is in the journal already.
        unreported = seconds + (0.0 if queued.state == "done" else queued.seconds)
        changes: dict[str, object] = {
            "state": "done",
            "sparse": self.state.is_sparse,
            "seconds": queued.seconds + seconds,
            "model": painting.model,
        }
        self.state.is_saving = True
        self.open_tile.begin_saving()
        accepted = Acceptance(tile, labels, painting.model, unreported)
        job = self._files.accept(accepted, on_done=lambda: self._on_saved(accepted, changes))
        job.ended.connect(lambda: setattr(self.state, "is_saving", False))

    def _on_saved(self, accepted: Acceptance, changes: dict[str, object]) -> None:
        self.labels_wanted.emit()
        self.state.is_saving, self.state.n_forgotten = False, 0
        self.tiles.change(accepted.tile, **changes)
        painting = self.open_tile.painting
        if painting is not None and self.open_tile.has_kept_still(accepted.tile):
            done = replace(painting, labels=accepted.labels, origin="annotation", begun=None, beneath=None)
            self._open(done)
        self._context.note_saved()
        self._context.tiles_changed.emit()
        self.told.emit("Saved.")
        if self.state.current == accepted.tile:
            self.next()

    def _read(self, tile: Tile) -> None:
        self._files.read_painting(
            self.tiles.find(tile), self.model_in_use(), is_sparse=self._wants_sparse, on_done=self._on_read
        )

    def _on_read(self, painting: TilePainting) -> None:
        if painting.tile != self.state.current:  # the user went on meanwhile
            return
        self.labels_wanted.emit()
        if self.open_tile.has_work_on(painting.tile):  # perhaps painted while this was read
            self.state.painting = self.open_tile.take_guess(painting)
        elif painting.is_new:  # how to paint may have been chosen while this was read
            self._open(painting.in_mode(painting.labels, is_sparse=self._wants_sparse))
        else:
            self._open(painting)
        model = self.model_in_use()
        if painting.guess is None and model is not None:
            self._make_guesses(model)

    def _open(self, painting: TilePainting) -> None:
        self.open_tile.put(painting)
        self.state.n_forgotten = 0
        self.state.is_sparse = painting.is_sparse
        self.state.painting = painting

    def _leave(self) -> None:
        """Note how long was painted on the tile that is left."""
        painting = self.state.painting
        if painting is not None and self.open_tile.is_touched:
            queued = self.tiles.find(painting.tile)
            self.tiles.change(painting.tile, seconds=queued.seconds + self.open_tile.take_seconds())

    def _make_guesses(self, model: str) -> None:
        """Let the model look at the current tile and at those that come next."""
        waiting = [one.tile for one in self.state.queue.tiles if one.state in ("to do", "unsure")]
        first = [] if self.state.current is None else [self.state.current]
        self._suggester.guess(model, [*first, *waiting], self._on_guessed)

    def _on_guessed(self) -> None:
        current, painting = self.state.current, self.state.painting
        if current is not None and painting is not None and painting.guess is None:
            self._read(current)

    def _on_suggested(self, choice: TileChoice) -> None:
        self.tiles.take(choice)
        self._context.tiles_changed.emit()
        model = self.model_in_use()
        if model is not None:
            self._make_guesses(model)

    def _on_project_changed(self) -> None:
        self.open_tile.put(None)
        self.state.painting = self.state.current = None
        self.state.n_forgotten = 0
        self.tiles.clear()
        if self._context.project is None:
            return
        self.tiles.read(self._context.tiles_changed.emit)
        if not self.state.strategies:
            self._suggester.find_strategies(self._on_strategies_found)

    def _on_strategies_found(self, names: tuple[str, ...]) -> None:
        self.state.strategies = names
