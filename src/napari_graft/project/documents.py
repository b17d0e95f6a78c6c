"""The small files of a project that say where the work stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from napari_graft.annotation.draft import DraftJournal, draft_name, drafts_in
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.tile import Tile
from napari_graft.io.damage import DamageLog
from napari_graft.io.regular import refuse_irregular
from napari_graft.project.desk import WindowState
from napari_graft.project.places import DRAFTS
from napari_graft.project.queue import TileQueue
from napari_graft.project.ranking import StoredRanking
from napari_graft.project.suggestions import SuggestionList
from napari_graft.sources.document import Document, read_document, write_document

SUGGESTIONS, QUEUE, WINDOW_STATE = "suggestions.json", "queue.json", "desk.json"
RANKING = "ranking.json"
D = TypeVar("D", bound=Document)


class ProjectDocuments:
    """Suggestions, queue, ranking, window state and drafts in a folder; each may be missing.

    A damaged one is told of, set aside, and counts as missing.

    Parameters
    ----------
    folder
        Where they are.
    bounds
        Shape of the image that their tiles lie in.
    writable
        Whether they may be written.
    damage
        Told of damaged ones.
    """

    def __init__(self, folder: Path, bounds: tuple[int, ...], *, writable: bool, damage: DamageLog) -> None:
        self.folder = folder
        self._bounds = bounds
        self._writable = writable
        self._damage = damage
        self._drafts: dict[Tile, DraftJournal] = {}

    @property
    def is_writable(self) -> bool:
        """Say whether it was opened for writing."""
        return self._writable

    def store_suggestions(self, suggestions: SuggestionList) -> None:
        """Keep suggestions in place of the earlier ones.

        Raises
        ------
        InputError
            If the project was opened for reading.
        StorageError
            If the disk is full; the earlier ones stay.
        """
        self._store(SUGGESTIONS, suggestions)

    def suggestions(self) -> SuggestionList:
        """Return the suggestions that were stored last, an empty list where there are none.

        Raises
        ------
        InputError
            If their file is of a newer format, or may not be read.
        """
        return self._recall(SuggestionList, SUGGESTIONS, "suggestions") or SuggestionList()

    def store_queue(self, queue: TileQueue) -> None:
        """Keep the tiles to go through in place of the earlier ones; errors as for suggestions."""
        self._store(QUEUE, queue)

    def queue(self) -> TileQueue:
        """Return the tiles to go through as they were stored last, none where there never were any.

        Errors as for suggestions.
        """
        return self._recall(TileQueue, QUEUE, "queue") or TileQueue()

    def store_ranking(self, ranking: StoredRanking) -> None:
        """Keep the ranking of the sources in place of the earlier one; errors as for suggestions."""
        self._store(RANKING, ranking)

    def ranking(self) -> StoredRanking:
        """Return the ranking that was stored last, an empty one where there never was any.

        Errors as for suggestions.
        """
        return self._recall(StoredRanking, RANKING, "ranking") or StoredRanking()

    def store_window_state(self, state: WindowState) -> None:
        """Store the window state; errors as for suggestions."""
        self._store(WINDOW_STATE, state)

    def window_state(self) -> WindowState:
        """Return the window state, that of a new project where it is not known."""
        try:
            return self._recall(WindowState, WINDOW_STATE, "window state") or WindowState()
        except InputError:  # of a newer version
            return WindowState()

    def draft(self, tile: Tile) -> DraftJournal:
        """Return the draft of a tile, the same object each time; it is empty until something is painted."""
        path = self.folder / DRAFTS / draft_name(tile)
        draft = DraftJournal(path, tile, writable=self.is_writable, damage=self._damage)
        return self._drafts.setdefault(tile, draft)

    def drafts(self) -> list[Tile]:
        """Return the tiles with something painted that was not accepted."""
        return drafts_in(self.folder / DRAFTS, bounds=self._bounds, damage=self._damage)

    def _recall(self, kind: type[D], name: str, title: str) -> D | None:
        path = self.folder / name
        if not os.path.lexists(path):
            return None
        try:
            document = read_document(kind, path, title)
            self._check_tiles(document, f"{title} {str(path)!r}")
        except DamagedFileError as error:
            self._damage.set_aside(error, path)
            return None
        return document

    def _check_tiles(self, document: Document, title: str) -> None:
        for tile in _tiles_of(document):
            if not tile.is_inside(self._bounds):
                raise DamagedFileError(
                    f"{title} names the tile at {tile.start} of shape {tile.shape}, which is not inside the "
                    f"image of shape {self._bounds}"
                )

    def _store(self, name: str, document: Document) -> None:
        self._require_writable()
        path = self.folder / name
        try:
            refuse_irregular(path)
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            self._damage.set_aside(error, path)
        write_document(path, document)

    def _require_writable(self) -> None:
        if not self.is_writable:
            raise InputError(f"project {str(self.folder)!r} is open for reading: open it for writing")


def _tiles_of(document: Document) -> list[Tile]:
    match document:
        case SuggestionList():
            return [one.tile for one in document.suggestions]
        case TileQueue():
            return [one.tile for one in document.tiles]
        case _:
            return []
