"""The tiles that were suggested, those that a person goes through, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_graft.core.tile import Tile
from napari_graft.io.documents import Document


class StoredSuggestion(BaseModel):
    """Suggestion of a tile to annotate next, and why.

    Parameters
    ----------
    start, shape
        The tile, at full resolution.
    score
        How much the strategy wants it; only compared within one list.
    reason
        Why, in words for the user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float
    reason: str

    @model_validator(mode="after")
    def _check(self) -> StoredSuggestion:
        Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


class SuggestionList(Document):
    """Suggestions of one moment, the most wanted first.

    Parameters
    ----------
    suggestions
        The tiles.
    strategy
        Name of the strategy that chose them.
    model
        Source or run whose output it looked at, None where it needs none.
    created
        When.
    """

    suggestions: tuple[StoredSuggestion, ...] = ()
    strategy: str = ""
    model: str | None = None
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))


TileState = Literal["to do", "done", "unsure", "skipped", "bad image"]
AVOIDED: tuple[TileState, ...] = ("skipped", "bad image")


class QueuedTile(BaseModel):
    """A tile to annotate, why, and its state.

    Parameters
    ----------
    start, shape
        The tile, at full resolution.
    score, reason
        As in `StoredSuggestion`; the score is None where nobody suggested the tile.
    state
        ``"to do"``; ``"done"``: it is annotated; ``"unsure"``: somebody should look again; ``"skipped"`` and
        ``"bad image"``: not to be suggested again.
    round
        Round of annotation that it belongs to, from 0.
    model
        Source or run whose segmentation is corrected, None where it is painted from nothing.
    seconds
        Time painted on it so far.
    sparse
        Whether unlabelled pixels may remain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True)

    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float | None = None
    reason: str = ""
    state: TileState = "to do"
    round: int = Field(default=0, ge=0)
    model: str | None = None
    seconds: float = Field(default=0.0, ge=0)
    sparse: bool = False

    @model_validator(mode="after")
    def _check(self) -> QueuedTile:
        Tile(self.start, self.shape)
        return self

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)

    @property
    def is_untouched(self) -> bool:
        """Say whether nobody has painted on it or judged it."""
        return self.state == "to do" and self.seconds == 0


class TileQueue(Document):
    """Queue of tiles, in the order in which a person goes through them; a change gives a new queue.

    Parameters
    ----------
    tiles
        Each tile once.
    """

    tiles: tuple[QueuedTile, ...] = ()

    def find(self, tile: Tile) -> QueuedTile | None:
        """Return what is known about a tile, None where it is not in the queue."""
        return next((queued for queued in self.tiles if queued.tile == tile), None)

    def with_tile(self, tile: Tile, **changes: object) -> TileQueue:
        """Return a queue with some fields of a tile changed, for example its state; a new tile comes last.

        Raises
        ------
        ValueError
            If there is no such field, or a value does not fit.
        """
        known = self.find(tile) or QueuedTile(start=tile.start, shape=tile.shape)
        changed = QueuedTile.model_validate(known.model_dump() | changes)
        if self.find(tile) is None:
            return TileQueue(tiles=(*self.tiles, changed))
        return TileQueue(tiles=tuple(changed if queued == known else queued for queued in self.tiles))

    def without(self, tile: Tile) -> TileQueue:
        """Return a queue without a tile."""
        return TileQueue(tiles=tuple(queued for queued in self.tiles if queued.tile != tile))

    @property
    def n_done(self) -> int:
        """Number of tiles that are done."""
        return sum(queued.state == "done" for queued in self.tiles)

    @property
    def n_to_do(self) -> int:
        """Number of tiles that are to do."""
        return sum(queued.state == "to do" for queued in self.tiles)

    @property
    def avoided(self) -> tuple[Tile, ...]:
        """The tiles that a person skipped or called a bad image."""
        return tuple(queued.tile for queued in self.tiles if queued.state in AVOIDED)

    def next_to_do(self, after: Tile | None = None) -> QueuedTile | None:
        """Return the first tile to do behind a given one, going on at the beginning; None where none is left.

        Behind None, or a tile that is not in the queue, is the beginning.
        """
        places = [i for i, queued in enumerate(self.tiles) if queued.tile == after]
        first = places[0] + 1 if places else 0
        turned = self.tiles[first:] + self.tiles[:first]
        return next((queued for queued in turned if queued.state == "to do"), None)


def merged_queue(queue: TileQueue, suggestions: SuggestionList, annotated: Sequence[Tile]) -> TileQueue:
    """Return the queue brought in line with what is annotated and what was suggested last.

    What was annotated is done, or stays unsure; what is done no longer because its labels are gone is to do.
    A tile to do that overlaps an annotated one is dropped, for it could not be accepted. A suggestion comes
    last in the queue, in place of tiles that it overlaps and that nobody has touched; where it overlaps any
    other tile it is dropped. To do this twice changes nothing more.
    """
    kept = [_settled(queued, annotated) for queued in queue.tiles]
    kept = [queued for queued in kept if not _is_blocked(queued, annotated)]
    known = {queued.tile for queued in kept}
    kept += [
        QueuedTile(start=tile.start, shape=tile.shape, state="done")
        for tile in annotated
        if tile not in known
    ]
    suggested = {suggestion.tile for suggestion in suggestions.suggestions}
    for suggestion in suggestions.suggestions:
        kept = _with_suggestion(kept, suggestion, suggestions.model, suggested)
    return TileQueue(tiles=tuple(kept))


def _settled(queued: QueuedTile, annotated: Sequence[Tile]) -> QueuedTile:
    if queued.tile in annotated:
        return queued if queued.state == "unsure" else queued.model_copy(update={"state": "done"})
    return queued.model_copy(update={"state": "to do"}) if queued.state == "done" else queued


def _is_blocked(queued: QueuedTile, annotated: Sequence[Tile]) -> bool:
    """Say whether a tile that waits to be painted overlaps an annotated one."""
    if queued.state in ("done", *AVOIDED) or queued.tile in annotated:
        return False
    return any(queued.tile.overlaps(tile) for tile in annotated)


def _with_suggestion(
    kept: list[QueuedTile], suggestion: StoredSuggestion, model: str | None, suggested: set[Tile]
) -> list[QueuedTile]:
    tile = suggestion.tile
    fields = {"score": suggestion.score, "reason": suggestion.reason, "model": model}
    if any(queued.tile == tile for queued in kept):
        return [
            queued.model_copy(update=fields) if queued.tile == tile and queued.is_untouched else queued
            for queued in kept
        ]
    met = [queued for queued in kept if queued.tile.overlaps(tile)]
    if any(not queued.is_untouched or queued.tile in suggested for queued in met):
        return kept
    new = QueuedTile.model_validate({"start": tile.start, "shape": tile.shape} | fields)
    return [queued for queued in kept if queued not in met] + [new]
