"""The list of objects that may be wrong, as it is kept on the disk."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.core.tile import Tile
from napari_graft.io.documents import Document
from napari_graft.proofreading.suspicion import Suspicion


class SuspicionRecord(BaseModel):
    """One or two objects that may be wrong, as on the disk; see `Suspicion`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ids: tuple[int, ...] = Field(min_length=1, max_length=2)
    reason: str
    words: str
    position: tuple[int, ...]
    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float
    seeds: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, one: Suspicion) -> SuspicionRecord:
        """Return the record of a suspicion."""
        return cls(
            ids=one.ids,
            reason=one.reason,
            words=one.words,
            position=one.position,
            start=one.box.start,
            shape=one.box.shape,
            score=one.score,
            seeds=one.seeds,
        )

    @property
    def box(self) -> Tile:
        """The box to look at."""
        return Tile(self.start, self.shape)

    @property
    def is_question(self) -> bool:
        """Whether yes or no suffices: whether these two are one object."""
        return len(self.ids) == 2


class SuspicionList(Document):
    """List of objects of a result that may be wrong, the most gain first.

    Parameters
    ----------
    suspicions
        What was found.
    has_affinities
        Whether a model was asked about the borders.
    """

    suspicions: tuple[SuspicionRecord, ...] = ()
    has_affinities: bool = False
