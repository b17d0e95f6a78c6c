"""The model of the tab Proofread & compare: sources and rounds on the same place, and which one is better."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.tile import Tile
from napari_graft.project.comparison import Vote
from napari_graft.project.project import Project
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, Mode, ModelOption
from napari_graft.workbench.compare.previewer import Previewer
from napari_graft.workbench.context import Context
from napari_graft.workbench.sources.model import SourcesModel


def preference_words(votes: Iterable[Vote], reference: str) -> str:
    """Say how often a source or run was preferred of the times it was compared; empty where it never was.

    >>> from napari_graft.core.tile import Tile
    >>> tile = Tile((0, 0), (8, 8))
    >>> votes = [Vote("run 0002", ("fly",), tile, "Ada"), Vote("fly", ("run 0002",), tile, "Ada")]
    >>> preference_words(votes, "run 0002")
    'preferred 1 of 2 times'
    """
    took_part = [vote for vote in votes if reference in (vote.winner, *vote.others)]
    if not took_part:
        return ""
    n_won = sum(vote.winner == reference for vote in took_part)
    return f"preferred {n_won} of {len(took_part)} {'time' if len(took_part) == 1 else 'times'}"


FEWEST, MOST = 2, 4
LONGEST_SIDE = 1024
"""Of the field of view that is compared."""


@dataclass(slots=True, weakref_slot=True)
class ComparingState:
    """State of the tab Compare.

    Parameters
    ----------
    options
        What can be compared: the finished rounds, the latest first, then the sources.
    chosen
        What is compared, in this order.
    is_whole_view
        Whether the field of view is compared rather than one tile.
    is_comparing
        Whether that is under way.
    comparison
        What came out, None while that is not shown.
    display
        How it is shown.
    votes
        What was preferred so far.
    preferred
        Reference of the model that was preferred in the comparison shown.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    options: tuple[ModelOption, ...] = ()
    chosen: tuple[ModelOption, ...] = ()
    is_whole_view: bool = False
    is_comparing: bool = False
    comparison: Comparison | None = None
    display: DisplayOptions = field(default_factory=DisplayOptions)
    votes: tuple[Vote, ...] = ()
    preferred: str | None = None


class ComparingModel:
    """View-model of the tab Compare: compares sources and rounds, and keeps votes.

    Parameters
    ----------
    context
        What the window shares.
    sources
        The sources, in their order.
    """

    refused = Signal(str)
    """What cannot be done, in words."""

    def __init__(self, context: Context, sources: SourcesModel) -> None:
        self._context = context
        self._sources = sources
        self._previewer = Previewer(context, "comparison")
        self._has_user_chosen = False
        self.state = ComparingState()
        context.hear(context.project_changed, self._on_project_changed)
        context.hear(context.runs_changed, self._list_options)
        changes = sources.state.events
        for signal in (changes.rows, changes.is_ranked, changes.chosen):
            signal.connect(self._list_options)
        self._list_options()

    def add(self, reference: str) -> None:
        """Compare one more."""
        option = next((one for one in self.state.options if one.reference == reference), None)
        if option is None or option in self.state.chosen or len(self.state.chosen) >= MOST:
            return
        self._has_user_chosen = True
        self.state.chosen = (*self.state.chosen, option)

    def remove(self, reference: str) -> None:
        """Compare one less."""
        self._has_user_chosen = True
        self.state.chosen = tuple(one for one in self.state.chosen if one.reference != reference)

    def compare(self, tile: Tile) -> None:
        """Segment a tile with each of the chosen."""
        try:
            if len(self.state.chosen) < FEWEST:
                raise InputError("choose two or more sources or rounds to compare")
            self.state.is_comparing = True
            self._previewer.start(
                "Comparing",
                self.state.chosen,
                tile,
                on_done=self._on_compared,
                on_ended=self._on_comparing_ended,
            )
        except InputError as error:
            self.state.is_comparing = False
            self.refused.emit(str(error))

    def change_display(self, **changes: Any) -> None:
        """Show the comparison in another way; `changes` are fields of `DisplayOptions`."""
        self.state.display = replace(self.state.display, **changes)

    def show_as(self, mode: Mode) -> None:
        """Show the comparison in another mode, with the map of disagreement where it hides nothing."""
        if mode != self.state.display.mode:
            self.change_display(mode=mode, shows_disagreement=mode == "grid")

    def blink(self) -> None:
        """Show the next of the compared models in place of the one that is shown."""
        comparison = self.state.comparison
        if comparison is None:
            return
        if self.state.display.mode != "blink":
            self.show_as("blink")
        else:
            self.change_display(front=(self.state.display.front + 1) % len(comparison.choices))

    def prefer(self, reference: str) -> None:
        """Store that one of the compared models is the best on this place."""
        comparison = self.state.comparison
        if comparison is None or self.state.preferred is not None:
            return
        others = tuple(one.reference for one in comparison.choices if one.reference != reference)
        try:
            self._context.require_project().vote(reference, others, comparison.tile, _user())
        except GraftError as error:
            self.refused.emit(str(error))
            return
        self._context.note_saved()
        self.state.votes = (*self.state.votes, Vote(reference, others, comparison.tile, _user()))
        self.state.preferred = reference

    def close_comparison(self) -> None:
        """Show the comparison no longer."""
        self.state.comparison = None

    def _on_compared(self, comparison: Comparison) -> None:
        # What was shown in front before may be another model now.
        self.change_display(front=0)
        self.state.preferred = None
        self.state.comparison = comparison

    def _on_comparing_ended(self) -> None:
        self.state.is_comparing = False

    def _on_project_changed(self) -> None:
        project = self._context.project
        self.state.comparison = None
        self.state.votes = ()
        self._has_user_chosen = False
        self._list_options()
        if project is not None:
            self._context.jobs.start(
                "Reading earlier votes",
                lambda report, cancel: (project, tuple(project.votes())),
                lane="files",
                on_done=self._on_votes_read,
            )

    def _on_votes_read(self, found: tuple[Project, tuple[Vote, ...]]) -> None:
        project, votes = found
        if self._context.project is project:
            self.state.votes = votes

    def _list_options(self) -> None:
        rounds = [] if self._context.project is None else _rounds(self._context.project)
        sources = [ModelOption(row.id, row.title) for row in self._sources.state.rows]
        self.state.options = (*rounds, *sources)
        still = tuple(one for one in self.state.chosen if one in self.state.options)
        self.state.chosen = still if self._has_user_chosen else self._usual(rounds, sources)

    def _usual(self, rounds: list[ModelOption], sources: list[ModelOption]) -> tuple[ModelOption, ...]:
        """Propose the last two rounds; before there are two, the source in use and the best ones as well."""
        in_use = [one for one in sources if one.reference == self._sources.state.chosen]
        others = [one for one in sources if one not in in_use]
        best = others if self._sources.state.is_ranked else []
        return (*rounds, *in_use, *best)[:FEWEST]


def _rounds(project: Project) -> list[ModelOption]:
    finished = [run for run in reversed(project.runs.all()) if run.is_finished]
    return [ModelOption(f"run {run.id}", f"round {int(run.id)}") for run in finished]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such entry in a container
        return "unknown"
