"""Choose the tiles that are most worth annotating."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from napari_graft.core.tile import Tile
from napari_graft.jobs.base import Answer, Job, ProjectRequest, TileBox, Work
from napari_graft.project.tile_queue import StoredSuggestion


class CandidateTile(BaseModel):
    """How unsure a model is of a tile among which was chosen, None where no model was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    start: tuple[int, ...]
    shape: tuple[int, ...]
    uncertainty: float | None = None

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


class SuggestResult(Answer):
    """Tiles that were chosen.

    Parameters
    ----------
    suggestions
        The most wanted first.
    candidates
        All tiles that could have been suggested.
    strategy, model
        Names of what chose, and of what looked.
    """

    suggestions: tuple[StoredSuggestion, ...]
    candidates: tuple[CandidateTile, ...]
    strategy: str
    model: str


class SuggestRequest(ProjectRequest[SuggestResult]):
    """What suggestions are asked for; nothing is stored.

    Parameters
    ----------
    n
        How many.
    tile
        Side in pixels of the image; None for one that suits the objects where their size is known, else 256.
    strategy
        Name of a strategy, or ``auto``.
    source
        Model to look with; None for the run in use, or before the first run for a general one.
    seed
        Decides what is drawn at random.
    within
        Part of the image to choose from, None for all of it.
    avoid
        Tiles that are not to be suggested, nor any that overlaps one of them.
    with_uncertainty
        Whether a source says how unsure it is of each tile even where nobody needs that to choose.
    device
        Where the network runs.
    patterns
        Patterns of each tile that FreeSel compares, 1 to 50.
    """

    kind: ClassVar[str] = "suggest"

    n: int = 4
    tile: int | None = None
    strategy: str = "auto"
    source: str | None = None
    seed: int = 0
    within: TileBox | None = None
    avoid: tuple[TileBox, ...] = ()
    with_uncertainty: bool = False
    device: str = "auto"
    patterns: int = 6


def _suggest(request: SuggestRequest, work: Work) -> SuggestResult:
    from napari_graft.session.suggestion import SuggestOptions, choose_tiles

    options = SuggestOptions(
        n=request.n,
        tile=request.tile,
        strategy=request.strategy,
        source=request.source,
        seed=request.seed,
        within=None if request.within is None else request.within.tile,
        device=request.device,
        avoid=tuple(box.tile for box in request.avoid),
        with_uncertainty=request.with_uncertainty,
        patterns=request.patterns,
    )
    found = choose_tiles(
        work.project, options, catalogue=work.catalogue, report=work.report, cancel=work.cancel
    )
    return SuggestResult(
        suggestions=tuple(
            StoredSuggestion(start=s.tile.start, shape=s.tile.shape, score=float(s.score), reason=s.reason)
            for s in found.suggestions
        ),
        candidates=tuple(
            CandidateTile(start=c.tile.start, shape=c.tile.shape, uncertainty=c.uncertainty)
            for c in found.candidates
        ),
        strategy=found.strategy,
        model=found.model,
    )


JOB = Job(
    SuggestRequest,
    SuggestResult,
    _suggest,
    title="Suggesting tiles",
    lane="short",
    after_a_crash="nothing is lost: suggest again",
)
