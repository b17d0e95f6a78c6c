"""The tab Sources: which of them fits the image, what the best make of it, and which one is used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError, IdTakenError, InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.engine.protocol import RankJob
from napari_graft.fingerprints.source_map import SourceMap, map_of_distances
from napari_graft.project.ranking import RankedEntry, StoredMap, StoredRanking
from napari_graft.session.image_facts import correct_contrast
from napari_graft.sources.catalogue import user_home, user_sources
from napari_graft.sources.source import Source
from napari_graft.workbench.comparison import Choice, Comparison
from napari_graft.workbench.context import Context
from napari_graft.workbench.previewer import Previewer
from napari_graft.workbench.source_rows import SourceRow, rows_of

N_PREVIEWED, MOST_PREVIEWED = 3, 4


@dataclass(slots=True, weakref_slot=True)
class SourcesState:
    """Show what the tab shows.

    Parameters
    ----------
    rows
        The sources, best first once they are ranked.
    ticked
        Ids of those to preview.
    is_ranked, is_ranking, is_previewing
        How far the work is.
    left_out
        Titles of the sources that were trained on the image and therefore not ranked.
    unsuited
        Title of each 3-D source that was not ranked, and why the image has not the depth for it.
    advised
        The best source that comes with advice, such as to swap dark and bright; None where there is none.
    chosen
        Id of the source to start from, None before one was chosen.
    preview
        What the ticked ones make of a tile, None while that is not shown.
    source_map
        The ranked sources and the image, None where they could not be mapped.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    rows: tuple[SourceRow, ...] = ()
    ticked: frozenset[str] = frozenset()
    is_ranked: bool = False
    is_ranking: bool = False
    is_previewing: bool = False
    left_out: tuple[str, ...] = ()
    unsuited: tuple[tuple[str, str], ...] = ()
    advised: RankedEntry | None = None
    chosen: str | None = None
    preview: Comparison | None = None
    source_map: SourceMap | None = None


class SourcesModel:
    """Rank the sources, preview them, choose one.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    taken = Signal(Path, str)
    """What was not added, because another of the user's own sources has its id, and that id."""
    contrast_changed = Signal(bool)
    """Whether dark and bright are swapped now."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ranking = StoredRanking()
        self._drawn: StoredMap | None = None
        self._previewer = Previewer(context, "preview")
        self.state = SourcesState()
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
        job = self._context.run_engine(
            "Ranking the sources", RankJob(project=str(project.folder)), lane="short", on_done=self._on_ranked
        )
        job.ended.connect(self._on_ranking_ended)

    def swap_contrast(self) -> None:
        """Let networks see the image with dark and bright swapped, and rank again."""
        try:
            project = self._context.require_project()
            correct_contrast(project, inverted=not project.manifest.inverted)
        except GraftError as error:
            self.refused.emit(str(error))
            return
        # The ranking that gave this advice no longer holds, even if the next one is stopped.
        self.read_ranking()
        self.contrast_changed.emit(project.manifest.inverted)
        self.rank()

    def read_ranking(self) -> None:
        """Take over the ranking as it is in the project: none, once the image is described anew."""
        self._ranking = self._context.require_project().ranking()
        self._show()

    def tick(self, source_id: str, is_ticked: bool) -> None:
        """Add a source to those to preview, or take it away."""
        self.state.ticked = self.state.ticked | {source_id} if is_ticked else self.state.ticked - {source_id}

    def preview(self, tile: Tile) -> None:
        """Segment a tile with the ticked sources."""
        ticked = [Choice(row.id, row.title) for row in self.state.rows if row.id in self.state.ticked]
        try:
            if not 1 <= len(ticked) <= MOST_PREVIEWED:
                raise InputError(f"{len(ticked)} sources are ticked: tick one to {MOST_PREVIEWED}")
            self.state.is_previewing = True
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
        task = partial(_add, path, replaces)
        self._context.jobs.start("Adding a source", task, lane="files", on_done=partial(self._on_added, path))

    def _on_added(self, path: Path, found: Source | IdTakenError) -> None:
        if isinstance(found, IdTakenError):
            self.taken.emit(path, found.source_id)
            return
        self._show()
        self.tick(found.id, True)

    def _on_ranked(self, result: dict[str, Any]) -> None:
        entries = tuple(RankedEntry.model_validate(entry) for entry in result["ranking"])
        stored = None if result["map"] is None else StoredMap.model_validate(result["map"])
        ranking = StoredRanking(
            entries=entries,
            left_out=tuple(result["left_out"]),
            unsuited=result["unsuited"],
            chosen=self._ranking.chosen,
            map=stored,
        )
        self._store(ranking)
        self.state.ticked = frozenset(entry.source for entry in entries[:N_PREVIEWED])

    def _on_ranking_ended(self) -> None:
        self.state.is_ranking = False

    def _on_previewed(self, comparison: Comparison) -> None:
        self.state.preview = comparison

    def _on_previewing_ended(self) -> None:
        self.state.is_previewing = False

    def _on_project_changed(self) -> None:
        project = self._context.project
        self.state.preview = None
        self._ranking = StoredRanking()
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
        self.state.rows = rows_of(cards, self._ranking, wanted)
        self.state.is_ranked = bool(self._ranking.entries)
        self.state.left_out = tuple(titles.get(one, one) for one in self._ranking.left_out)
        self.state.unsuited = tuple(
            (titles.get(one, one), reason) for one, reason in self._ranking.unsuited.items()
        )
        self.state.advised = self._ranking.advised
        self.state.chosen = self._ranking.chosen
        self._draw_map()

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


def _add(path: Path, replaces: bool, report: Report, cancel: CancelToken) -> Source | IdTakenError:
    # The formats of other programs take a while to import: only who adds a source waits for it.
    from napari_graft.exchange.add import add_source
    from napari_graft.exchange.wishes import Wishes

    wishes = Wishes(replaces=replaces)
    try:
        return add_source(path, user_home(), wishes=wishes, report=report, cancel=cancel)
    except IdTakenError as error:
        return error


def _map_of(stored: StoredMap) -> SourceMap:
    try:
        distances = np.array(stored.distances)
    except ValueError:
        raise InputError("the stored distances make no table: rank the sources again") from None
    return map_of_distances(stored.names, distances)
