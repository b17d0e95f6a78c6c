"""Ask which tiles to paint, and what a model makes of them, in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.engine.protocol import PreviewJob, SuggestJob, TileBox
from napari_graft.project.project import Project
from napari_graft.project.suggestions import StoredSuggestion, SuggestionList
from napari_graft.sources.document import Document, read_document, write_document
from napari_graft.workbench.context import Context
from napari_graft.workbench.guesses import CACHE, GuessCache
from napari_graft.workbench.jobs import Job


class CandidateTile(BaseModel):
    """Say how unsure a model is of a tile among which was chosen, None where no model was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: tuple[int, ...]
    shape: tuple[int, ...]
    uncertainty: float | None = None

    @property
    def tile(self) -> Tile:
        """The tile."""
        return Tile(self.start, self.shape)


class CandidateList(Document):
    """Hold the tiles among which was chosen last."""

    candidates: tuple[CandidateTile, ...] = ()


@dataclass(frozen=True, slots=True)
class TileChoice:
    """Hold what was suggested, and among what it was chosen."""

    suggestions: SuggestionList
    candidates: CandidateList


class Suggester:
    """Run the jobs that suggest tiles and segment them.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked: set[tuple[str, Tile]] = set()

    def suggest(
        self,
        n: int,
        side: int,
        model: str | None,
        avoid: Sequence[Tile],
        on_done: Callable[[TileChoice], None],
    ) -> Job[dict[str, Any]]:
        """Ask for `n` tiles that overlap none of `avoid`.

        Raises
        ------
        InputError
            If no project is open.
        """
        project = self._context.require_project()
        job = SuggestJob(
            project=str(project.folder),
            n=n,
            tile=side,
            source=model,
            avoid=tuple(map(_box, avoid)),
            with_uncertainty=True,  # the tiles are coloured by it
        )
        return self._context.run_engine(
            "Suggesting tiles", job, lane="short", on_done=lambda result: on_done(_choice(result))
        )

    def guess(self, model: str, tiles: Sequence[Tile], on_done: Callable[[], None]) -> None:
        """Let a model segment those tiles that it has not seen yet, and keep what it makes of them."""
        project = self._context.require_project()
        cache = GuessCache.of(project)
        missing = cache.missing(model, tiles)
        wanted = tuple(tile for tile in dict.fromkeys(missing) if (model, tile) not in self._asked)
        if not wanted:
            return
        asked = {(model, tile) for tile in wanted}
        self._asked |= asked
        batch = cache.batch_path(model)
        job = PreviewJob(
            project=str(project.folder),
            references=(model,),
            tiles=tuple(map(_box, wanted)),
            out=str(batch),
            with_uncertainty=True,
        )

        def split(report: Report, cancel: CancelToken) -> None:
            cache.take(batch, model, wanted)

        def split_soon(_: dict[str, Any]) -> None:
            splitting = self._context.jobs.start("Keeping the guesses", split, lane="files", on_done=finish)
            splitting.ended.connect(lambda: self._asked.difference_update(asked))

        def finish(_: None) -> None:
            if self._context.project is project:
                on_done()

        preview = self._context.run_engine("Looking at the tiles", job, lane="short", on_done=split_soon)
        preview.ended.connect(
            lambda: None if preview.state.status == "done" else self._asked.difference_update(asked)
        )


def read_candidates(project: Project) -> CandidateList:
    """Return the tiles among which was chosen last, none where that is not known any more."""
    try:
        return read_document(CandidateList, project.folder / CACHE / _CANDIDATES, "candidates")
    except InputError:  # they can be found anew
        return CandidateList()


def store_candidates(project: Project, candidates: CandidateList) -> None:
    """Keep the tiles among which was chosen.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    (project.folder / CACHE).mkdir(exist_ok=True)
    write_document(project.folder / CACHE / _CANDIDATES, candidates)


_CANDIDATES = "candidates.json"


def _choice(result: dict[str, Any]) -> TileChoice:
    suggestions = SuggestionList(
        suggestions=tuple(StoredSuggestion.model_validate(one) for one in result["suggestions"]),
        strategy=result["strategy"],
        model=result["model"],
    )
    candidates = tuple(CandidateTile.model_validate(one) for one in result["candidates"])
    return TileChoice(suggestions, CandidateList(candidates=candidates))


def _box(tile: Tile) -> TileBox:
    return TileBox(start=tile.start, shape=tile.shape)
