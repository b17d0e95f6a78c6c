"""Ask which tiles to paint, and what a model makes of them, in the worker process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io.documents import Document, read_document, write_document
from napari_graft.jobs.base import TileBox
from napari_graft.jobs.builtin.preview import PreviewRequest, PreviewResult
from napari_graft.jobs.builtin.suggest import CandidateTile, SuggestRequest, SuggestResult
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import SuggestionList
from napari_graft.workbench.annotate.tile_painting import CACHE, GuessCache
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.request_options import RequestOptions


class CandidateList(Document):
    """Candidates of the last suggestion."""

    candidates: tuple[CandidateTile, ...] = ()


@dataclass(frozen=True, slots=True)
class TileChoice:
    """Suggested tiles, and the candidates that they were chosen from."""

    suggestions: SuggestionList
    candidates: CandidateList


class Suggester:
    """Runs the jobs that suggest tiles and segment them.

    Parameters
    ----------
    context
        What the window shares.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.options = RequestOptions(SuggestRequest)
        self._asked: set[tuple[str, Tile]] = set()

    def find_strategies(self, on_found: Callable[[tuple[str, ...]], None]) -> None:
        """Find out what strategies there are, those of plugins among them."""

        def look(report: Report, cancel: CancelToken) -> tuple[str, ...]:
            from napari_graft.acquisition.strategies import STRATEGIES  # takes long to load

            return tuple(STRATEGIES)

        self._context.jobs.start("Looking for strategies", look, lane="files", on_done=on_found)

    def suggest(
        self,
        n: int,
        side: int,
        model: str | None,
        avoid: Sequence[Tile],
        on_done: Callable[[TileChoice], None],
    ) -> RunningJob[SuggestResult]:
        """Ask for `n` tiles that overlap none of `avoid`.

        Raises
        ------
        InputError
            If no project is open.
        """
        project = self._context.require_project()
        request = self.options.request(
            project=str(project.folder),
            n=n,
            tile=side,
            source=model,
            avoid=tuple(map(TileBox.of, avoid)),
            with_uncertainty=True,  # the tiles are coloured by it
        )
        return self._context.run_job(request, lambda result: on_done(_choice(result)))

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
        request = PreviewRequest(
            project=str(project.folder),
            references=(model,),
            tiles=tuple(map(TileBox.of, wanted)),
            out=str(batch),
            with_uncertainty=True,
        )

        def split(report: Report, cancel: CancelToken) -> None:
            cache.take(batch, model, wanted)

        def split_soon(_: PreviewResult) -> None:
            splitting = self._context.jobs.start("Keeping the guesses", split, lane="files", on_done=finish)
            splitting.ended.connect(lambda: self._asked.difference_update(asked))

        def finish(_: None) -> None:
            if self._context.project is project:
                on_done()

        preview = self._context.run_job(request, split_soon)
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


def _choice(result: SuggestResult) -> TileChoice:
    suggestions = SuggestionList(suggestions=result.suggestions, strategy=result.strategy, model=result.model)
    return TileChoice(suggestions, CandidateList(candidates=result.candidates))
