"""The small files of a project that say where the work stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_graft.annotation.draft import DraftJournal, draft_name, drafts_in
from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.core.labels import FIRST_OBJECT
from napari_graft.core.tile import Tile
from napari_graft.io.documents import DamageLog, Document, read_document, write_document
from napari_graft.io.regular_files import refuse_irregular
from napari_graft.project.folder import DRAFTS
from napari_graft.project.tile_queue import SuggestionList, TileQueue


class WindowState(Document):
    """Window state of a project; all of it can be lost without harm.

    A field of a later version is passed over, so that an earlier version still finds the others.

    Parameters
    ----------
    tab
        Name of the tab.
    start, shape
        The tile that was shown, None where there was none.
    layer
        Name of the image layer, empty where it is not known.
    label
        The label that was painted with, in the annotation convention.
    brush
        Diameter of the brush, in pixels of the image.
    sparse
        Whether strokes were painted rather than whole tiles.
    visible
        Whether layers were shown, by their role, with the kind or the run where there are several.
    budget, minutes
        How many tiles were to be painted in all, and how long a training was to take; None where not known.
    tile_side
        Side of the tiles to suggest, in pixels; None where not known.
    """

    model_config = ConfigDict(extra="ignore", defer_build=True)

    tab: str = "data"
    start: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    layer: str = ""
    label: int = Field(default=FIRST_OBJECT, ge=0, lt=2**32)
    brush: float = Field(default=10.0, gt=0, lt=float("inf"))
    sparse: bool = False
    visible: dict[str, bool] = Field(default_factory=dict)
    budget: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0, lt=float("inf"))
    tile_side: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> WindowState:
        if (self.start is None) != (self.shape is None):
            raise ValueError("a tile has a start and a shape")
        if self.start is not None and self.shape is not None:
            Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile | None:
        """The tile that was shown."""
        return None if self.start is None or self.shape is None else Tile(self.start, self.shape)


ROW = (
    "source",
    "title",
    "structure",
    "mmd2",
    "z",
    "p_value",
    "mmd2_general",
    "consistency",
    "few_shot",
    "combined",
    "verdict",
    "same_structure",
    "remedy",
    "remedy_kind",
    "z_after_remedy",
    "research_only",
    "is_trainable",
    "is_weak",
)
"""What ``rank --json`` tells of a source."""


class RankedEntry(BaseModel):
    """Entry of a ranking: what is known of one source, as ``rank --json`` prints it.

    A field of a later version is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings", defer_build=True)

    source: str
    title: str
    structure: str
    species: str = ""
    instrument: str = ""
    pixel_size: tuple[float, ...] | None = None
    license: str = ""
    research_only: bool = False
    is_trainable: bool = True
    is_weak: bool = False
    z: float | None = None
    p_value: float | None = None
    mmd2: float | None = None
    mmd2_general: float | None = None
    consistency: float | None = None
    few_shot: float | None = None
    combined: float | None = None
    verdict: str
    same_structure: bool = True
    remedy: str | None = None
    remedy_kind: Literal["invert", "rescale", "smooth"] | None = None
    z_after_remedy: float | None = None
    advice: str | None = None

    def as_row(self) -> dict[str, object]:
        """Return the keys and values of ``rank --json``."""
        return self.model_dump(include=set(ROW))


class RankedSoFar(BaseModel):
    """The sources that are measured while a ranking is under way, best first."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    ranking: tuple[RankedEntry, ...]


class StoredMap(BaseModel):
    """Stored distances of the ranked sources, and the image, from one another.

    Parameters
    ----------
    names
        Ids of the sources; that of the image is empty, see `SourceMap`.
    distances
        MMD in the common encoder, one row for each name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    names: tuple[str, ...]
    distances: tuple[tuple[float, ...], ...]


class StoredRanking(Document):
    """Stored ranking of the sources for a project's image.

    Parameters
    ----------
    entries
        The sources, best first; empty before they were ranked.
    left_out
        Ids of the sources that were trained on the image and therefore not ranked.
    unsuited
        By the id of a 3-D source that was not ranked: why the image has not the depth for it.
    chosen
        Id of the source that the user wants to start from, None before one was chosen.
    map
        Of the ranked sources and the image, None where they could not be mapped.
    """

    entries: tuple[RankedEntry, ...] = ()
    left_out: tuple[str, ...] = ()
    unsuited: dict[str, str] = Field(default_factory=dict)
    chosen: str | None = None
    map: StoredMap | None = None

    @property
    def advised(self) -> RankedEntry | None:
        """The best source of the wanted structure that comes with advice, None where there is none."""
        return next((one for one in self.entries if one.same_structure and one.remedy is not None), None)


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
