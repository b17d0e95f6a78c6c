"""The small files of a project that say where the work stands."""

from __future__ import annotations

from pathlib import Path

from napari_graft.annotation.draft import DraftJournal, draft_name, drafts_in
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.desk import Desk
from napari_graft.project.queue import TileQueue
from napari_graft.project.ranking import StoredRanking
from napari_graft.project.suggestions import SuggestionList
from napari_graft.sources.document import Document, read_document, write_document

SUGGESTIONS, QUEUE, DESK, DRAFTS = "suggestions.json", "queue.json", "desk.json", "drafts"
RANKING = "ranking.json"


class ProjectDocuments:
    """Read and write suggestions, queue, ranking, desk and drafts in a folder; each may be missing.

    Parameters
    ----------
    folder
        Where they are.
    writable
        Whether they may be written.
    """

    def __init__(self, folder: Path, *, writable: bool) -> None:
        self.folder = folder
        self._writable = writable
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
            If their file is damaged.
        """
        path = self.folder / SUGGESTIONS
        return read_document(SuggestionList, path, "suggestions") if path.exists() else SuggestionList()

    def store_queue(self, queue: TileQueue) -> None:
        """Keep the tiles to go through in place of the earlier ones; errors as for suggestions."""
        self._store(QUEUE, queue)

    def queue(self) -> TileQueue:
        """Return the tiles to go through as they were stored last, none where there never were any.

        Raises
        ------
        InputError
            If their file is damaged.
        """
        path = self.folder / QUEUE
        return read_document(TileQueue, path, "queue") if path.exists() else TileQueue()

    def store_ranking(self, ranking: StoredRanking) -> None:
        """Keep the ranking of the sources in place of the earlier one; errors as for suggestions."""
        self._store(RANKING, ranking)

    def ranking(self) -> StoredRanking:
        """Return the ranking that was stored last, an empty one where there never was any.

        Raises
        ------
        InputError
            If its file is damaged.
        """
        path = self.folder / RANKING
        return read_document(StoredRanking, path, "ranking") if path.exists() else StoredRanking()

    def store_desk(self, desk: Desk) -> None:
        """Keep where the user is; errors as for suggestions."""
        self._store(DESK, desk)

    def desk(self) -> Desk:
        """Return where the user was, the beginning where that is not known or its file is damaged."""
        try:
            return read_document(Desk, self.folder / DESK, "desk")
        except InputError:
            return Desk()

    def draft(self, tile: Tile) -> DraftJournal:
        """Return the draft of a tile, the same object each time; it is empty until something is painted."""
        path = self.folder / DRAFTS / draft_name(tile)
        return self._drafts.setdefault(tile, DraftJournal(path, tile, writable=self.is_writable))

    def drafts(self) -> list[Tile]:
        """Return the tiles with something painted that was not accepted."""
        return drafts_in(self.folder / DRAFTS)

    def _store(self, name: str, document: Document) -> None:
        self._require_writable()
        write_document(self.folder / name, document)

    def _require_writable(self) -> None:
        if not self.is_writable:
            raise InputError(f"project {str(self.folder)!r} is open for reading: open it for writing")
