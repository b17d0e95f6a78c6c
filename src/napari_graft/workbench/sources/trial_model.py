"""The trial of the best sources: what is proposed, how it goes, and which one wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import InputError
from napari_graft.jobs.builtin.trial import TrialRequest
from napari_graft.project.documents import RankedEntry
from napari_graft.project.run_store import StoredTrial
from napari_graft.session.training.trial_plan import TrialPlan, propose_plan
from napari_graft.workbench.context import Context
from napari_graft.workbench.request_options import RequestOptions


@dataclass(slots=True, weakref_slot=True)
class TrialState:
    """State of the trial.

    Parameters
    ----------
    minutes
        Training time that the user means to spend in all.
    plan
        What is proposed, None before the sources were ranked.
    titles
        Of the sources to try.
    obstacle
        Why nothing can be proposed though the sources were ranked, in words.
    n_missing
        Tiles that are still to be painted before the trial.
    is_trying
        Whether a trial is under way or waits for its turn.
    last
        The last trial, whole or as far as it came; None where there never was any.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    minutes: float = 10.0
    plan: TrialPlan | None = None
    titles: tuple[str, ...] = ()
    obstacle: str = ""
    n_missing: int = 0
    is_trying: bool = False
    last: StoredTrial | None = None


class TrialModel:
    """View-model of the trial: proposes one and runs it.

    Parameters
    ----------
    context
        What the window shares.
    ranked
        Returns the ranked sources, best first.
    tile_budget
        Returns how many tiles the user means to paint in all.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    tiles_wanted = Signal()
    """Asks for the place where tiles are painted."""
    won = Signal(str)
    """Names the source that won."""

    def __init__(
        self,
        context: Context,
        *,
        ranked: Callable[[], Sequence[RankedEntry]],
        tile_budget: Callable[[], int],
    ) -> None:
        self._context = context
        self._ranked = ranked
        self.options = RequestOptions(TrialRequest)
        self._tile_budget = tile_budget
        self.state = TrialState()
        self.state.events.minutes.connect(self.update)
        context.hear(context.project_changed, self._on_project_changed)
        context.hear(context.tiles_changed, self.update)

    def update(self) -> None:
        """Propose anew: the ranking, the tiles or the budget have changed."""
        state, project, ranked = self.state, self._context.project, self._ranked()
        plan, obstacle = None, ""
        if project is not None and ranked:
            try:
                plan = propose_plan(ranked, self._tile_budget(), state.minutes)
            except InputError as error:
                obstacle = str(error)
        titles = {entry.source: entry.title for entry in ranked}
        state.titles = () if plan is None else tuple(titles[source] for source in plan.shortlist)
        n_annotated = 0 if project is None else len(project.annotations.tiles())
        state.n_missing = 0 if plan is None else max(0, plan.n_tiles - n_annotated)
        state.obstacle = obstacle
        state.plan = plan

    def go_on(self) -> None:
        """Try the sources in the background, or ask for the tiles that are missing."""
        project, plan = self._context.project, self.state.plan
        if project is None or plan is None or self.state.is_trying:
            return
        if self.state.n_missing:
            self.tiles_wanted.emit()
            return
        self.state.is_trying = True
        request = self.options.request(
            project=str(project.folder),
            sources=plan.shortlist,
            seconds=plan.seconds_each,
            is_delegate=True,
        )
        self._context.run_job(request, self._on_done).ended.connect(self._on_ended)

    def _on_done(self, trial: StoredTrial) -> None:
        self.state.last = trial
        self._context.note_saved()
        if trial.winner is not None:
            self.won.emit(trial.winner)

    def _on_ended(self) -> None:
        self.state.is_trying = False
        self._read()

    def _on_project_changed(self) -> None:
        self._read()
        self.update()

    def _read(self) -> None:
        project = self._context.project
        try:
            self.state.last = None if project is None else project.trial.load()
        except InputError as error:
            self.state.last = None
            self.refused.emit(str(error))
