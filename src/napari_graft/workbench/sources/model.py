"""The model of the tab Sources: which one fits the image, what the best make of it, which is used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_graft.core.errors import GraftError, IdTakenError, InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.core.tile import Tile
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.fingerprints.source_map import SourceMap, map_of_distances
from napari_graft.io import Volume
from napari_graft.jobs.builtin.rank import RankRequest, RankResult
from napari_graft.project.documents import RankedEntry, RankedSoFar, StoredMap, StoredRanking
from napari_graft.project.project import Project
from napari_graft.scorers.outlook import outlook
from napari_graft.session.projects.object_diameter import known_diameter
from napari_graft.sources.catalogue import user_home, user_sources
from napari_graft.sources.source import Source
from napari_graft.workbench.compare.comparison import Comparison, ModelOption
from napari_graft.workbench.compare.previewer import Previewer
from napari_graft.workbench.context import Context
from napari_graft.workbench.request_options import RequestOptions
from napari_graft.workbench.sources.state import SourcesState, fold_others, rows_of

_MOST_ALONG_AN_AXIS = 5
_FINE = 2.0
"""Standard deviation, in pixels, below which structure counts as noise."""


def busiest_tile(volume: Volume, view: Tile, shape: Sequence[int]) -> Tile:
    """Return the tile of a shape, inside `view`, with most structure.

    Structure is the mean slope of the smoothed image. At most 25 tiles are read.
    """
    tiles = tiles_over(view, shape)
    return tiles[0] if len(tiles) == 1 else max(tiles, key=lambda tile: structure(volume.read(tile)))


def tiles_over(view: Tile, shape: Sequence[int]) -> list[Tile]:
    """Return tiles of a shape, spread evenly over a view, the middle one first; one where it is no larger."""
    lengths = [min(a, b) for a, b in zip(shape, view.shape, strict=True)]
    starts = []
    for first, length, n in zip(view.start, lengths, view.shape, strict=True):
        n_places = min(_MOST_ALONG_AN_AXIS, 1 + int(np.ceil(2 * (n - length) / length)))
        places = np.linspace(0, n - length, n_places) if n_places > 1 else np.array([(n - length) / 2])
        middle = (n - length) / 2
        starts.append([first + round(at) for at in sorted(places, key=lambda at: abs(at - middle))])
    grid = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(starts))
    return [Tile(tuple(map(int, start)), tuple(lengths)) for start in grid]


def structure(image: NDArray[np.float32]) -> float:
    """Return the mean slope of an image, smoothed so that noise counts for little."""
    from scipy.ndimage import gaussian_gradient_magnitude  # not where the window opens: it takes a while

    slices = image.reshape(-1, *image.shape[-2:])
    return float(np.mean([gaussian_gradient_magnitude(one, _FINE).mean() for one in slices]))


def add_to_own(
    path: Path, options: ImportOptions, report: Report, cancel: CancelToken
) -> Source | IdTakenError:
    """Copy a source, a file or a folder; an error is returned where another one has its id."""
    # The formats of other programs take a while to import: only who adds a source waits for it.
    from napari_graft.exchange.add import add_source

    try:
        return add_source(path, user_home(), options=options, report=report, cancel=cancel)
    except IdTakenError as error:
        return error


N_PREVIEWED, MOST_PREVIEWED = 3, 4


class SourcesModel:
    """View-model of the tab Sources: ranks the sources, previews them, chooses one.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    taken = Signal(Path, str)
    """What was not added, because another of the user's own sources has its id, and that id."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ranking = StoredRanking()
        self._so_far: tuple[RankedEntry, ...] = ()
        self._drawn: StoredMap | None = None
        self._previewer = Previewer(context, "preview")
        self.state = SourcesState()
        self.options = RequestOptions(RankRequest)
        self.importing = RequestOptions(ImportOptions)
        context.hear(context.project_changed, self._on_project_changed)
        self._on_project_changed()

    @property
    def folder(self) -> Path:
        """Where the user's own sources are."""
        return user_sources(user_home())

    @property
    def ranked(self) -> tuple[RankedEntry, ...]:
        """The ranked sources, best first; none before the ranking."""
        return self._ranking.entries

    def rank(self) -> None:
        """Find out which sources fit the image, in the worker process."""
        try:
            project = self._context.require_project()
        except InputError as error:
            self.refused.emit(str(error))
            return
        self.state.is_ranking = True
        job = self._context.run_job(
            self.options.request(project=str(project.folder), with_map=True),
            self._on_ranked,
            on_progress=partial(self._on_measured, project),
        )
        job.ended.connect(self._on_ranking_ended)

    def read_ranking(self) -> None:
        """Take over the ranking as it is in the project: none, once the image is described anew."""
        self._ranking = self._context.require_project().ranking()
        self._show()

    def tick(self, source_id: str, is_ticked: bool) -> None:
        """Add a source to those to preview, or take it away."""
        self.state.ticked = self.state.ticked | {source_id} if is_ticked else self.state.ticked - {source_id}

    def show_others(self, is_shown: bool) -> None:
        """Show sources of other structures than the one that is wanted, or fold them away."""
        self.state.shows_others = is_shown
        self._fold()

    def preview(self, tile: Tile, view: Tile | None = None) -> None:
        """Segment a tile with the ticked sources: where in `view`, if that is given, there is most to see."""
        ticked = [ModelOption(row.id, row.title) for row in self.state.rows if row.id in self.state.ticked]
        try:
            if not 1 <= len(ticked) <= MOST_PREVIEWED:
                raise InputError(f"{len(ticked)} sources are ticked: tick one to {MOST_PREVIEWED}")
            volume = self._context.require_project().volume
        except InputError as error:
            self.refused.emit(str(error))
            return
        self.state.is_previewing = True
        if view is None:
            self._preview_at(ticked, tile)
            return
        looking = self._context.jobs.start(
            "Looking for a place with content",
            lambda report, cancel: busiest_tile(volume, view, tile.shape),
            lane="files",
            on_done=partial(self._preview_at, ticked),
        )
        looking.ended.connect(lambda: None if looking.state.status == "done" else self._on_previewing_ended())

    def _preview_at(self, ticked: Sequence[ModelOption], tile: Tile) -> None:
        try:
            self._previewer.start(
                "Previewing the sources",
                tuple(ticked),
                tile,
                on_done=self._on_previewed,
                on_ended=self._on_previewing_ended,
            )
        except InputError as error:
            self.state.is_previewing = False
            self.refused.emit(str(error))

    def close_preview(self) -> None:
        """Show the preview no longer."""
        self.state.preview = None

    def choose(self, source_id: str) -> None:
        """Start from a source from now on."""
        try:
            self._store(self._ranking.model_copy(update={"chosen": source_id}))
        except GraftError as error:
            self.refused.emit(str(error))

    def add(self, path: Path, *, replaces: bool = False) -> None:
        """Copy a source, a file or a folder, to the user's own, after a check of all that is in it.

        Where another one has its id, that one stays and `taken` is told, or it is replaced.
        """
        task = partial(add_to_own, path, self.importing.request(replaces=replaces))
        self._context.jobs.start("Adding a source", task, lane="files", on_done=partial(self._on_added, path))

    def _on_added(self, path: Path, found: Source | IdTakenError) -> None:
        if isinstance(found, IdTakenError):
            self.taken.emit(path, found.source_id)
            return
        self.take_added(found.id)

    def take_added(self, source_id: str) -> None:
        """Show a source that is new among the user's own, and tick it."""
        self.tick(source_id, True)
        self._show()

    def _on_ranked(self, result: RankResult) -> None:
        ranking = StoredRanking(
            entries=result.ranking,
            left_out=result.left_out,
            unsuited=result.unsuited,
            chosen=self._ranking.chosen,
            map=result.map,
        )
        self._so_far = ()
        self._store(ranking)
        self.state.ticked = frozenset(entry.source for entry in result.ranking[:N_PREVIEWED])

    def _on_measured(self, project: Project, progress: Progress) -> None:
        """Show the sources that are measured; they are stored once all are."""
        if progress.partial is None or self._context.project is not project:
            return
        self._so_far = RankedSoFar.model_validate(progress.partial).ranking
        self._show()

    def _on_ranking_ended(self) -> None:
        self.state.is_ranking = False
        if self._ranking.entries:  # else what was measured before it was stopped stays in sight
            self._so_far = ()
            self._show()

    def _on_previewed(self, comparison: Comparison) -> None:
        self.state.preview = comparison

    def _on_previewing_ended(self) -> None:
        self.state.is_previewing = False

    def _on_project_changed(self) -> None:
        project = self._context.project
        self.state.preview = None
        self._ranking, self._so_far = StoredRanking(), ()
        if project is not None:
            n_told = len(project.notes)
            try:
                self._ranking = project.ranking()
            except InputError as error:
                self.refused.emit(str(error))
            for note in project.notes[n_told:]:
                self.refused.emit(note)
        self._show()
        self.state.ticked = frozenset(entry.source for entry in self._ranking.entries[:N_PREVIEWED])

    def _store(self, ranking: StoredRanking) -> None:
        self._context.require_project().store_ranking(ranking)
        self._context.note_saved()
        self._ranking = ranking
        self._show()

    def _show(self) -> None:
        cards = [source.card for source in self._context.catalogue.sources()]
        titles = {card.id: card.title for card in cards}
        project = self._context.project
        wanted = None if project is None else project.manifest.structure
        shown = self._ranking
        if self._so_far:
            shown = shown.model_copy(update={"entries": self._so_far})
        self.state.rows = rows_of(cards, shown, wanted)
        self.state.is_ranked = bool(self._ranking.entries)
        self.state.left_out = tuple(titles.get(one, one) for one in self._ranking.left_out)
        self.state.unsuited = tuple(
            (titles.get(one, one), reason) for one, reason in self._ranking.unsuited.items()
        )
        wider = None if project is None else known_diameter(project).wider
        entries = self._ranking.entries
        self.state.outlook = outlook(entries, wanted, wider) if entries else None
        self.state.advised = self._ranking.advised
        self.state.chosen = self._ranking.chosen
        self._fold()
        self._draw_map()

    def _fold(self) -> None:
        """Leave in sight what suits, is in use or ticked, or is among the first of a ranking."""
        state, project = self.state, self._context.project
        first = [row.id for row in state.rows[:N_PREVIEWED] if row.is_ranked]
        kept = {*first, *state.ticked, state.chosen or ""}
        wanted = None if project is None else project.manifest.structure
        shown, n_folded = fold_others(state.rows, wanted, kept)
        state.n_folded = n_folded
        state.shown = state.rows if state.shows_others else shown

    def _draw_map(self) -> None:
        """Order the sources on their map; not on the thread of the window, which would wait for an import."""
        stored = self._ranking.map
        if stored is self._drawn:
            return
        self._drawn, self.state.source_map = stored, None
        if stored is None:
            return

        def take(drawn: SourceMap) -> None:
            if self._drawn is stored:
                self.state.source_map = drawn

        self._context.jobs.start(
            "Drawing the map of the sources",
            lambda report, cancel: _map_of(stored),
            lane="files",
            on_done=take,
        )


def _map_of(stored: StoredMap) -> SourceMap:
    try:
        distances = np.array(stored.distances)
    except ValueError:
        raise InputError("the stored distances make no table: rank the sources again") from None
    return map_of_distances(stored.names, distances)
