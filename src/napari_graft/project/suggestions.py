"""The tiles that were last suggested for annotation."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_graft.core.tile import Tile
from napari_graft.sources.document import Document


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

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

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
