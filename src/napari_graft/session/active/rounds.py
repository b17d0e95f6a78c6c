"""Rank, suggest, take labels, train, judge, and again, until a budget is spent or more would not help."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace

from napari_graft.acquisition.painting_cost import work_of_annotation
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io import Volume
from napari_graft.project.auto import AutoPlan, AutoRound, EndedBy, StoredAuto
from napari_graft.project.project import Project
from napari_graft.session.active.cost import painting_cost
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.suggestion import SuggestOptions, choose_tiles
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.learning_curve import learning_curve, reason_to_stop
from napari_graft.session.training.train import BEST, TrainingTask
from napari_graft.sources.card import leading_score
from napari_graft.sources.catalogue import Catalogue

SHORTEST = 5.0
"""Seconds of a training below which a round is not worth its tiles."""


@dataclass(slots=True)
class AutoTask:
    """Rounds in a project, with labels from a label image.

    Parameters
    ----------
    project
        Open for writing.
    labels
        Truth of the whole image, or strokes.
    plan
        What is asked for.
    catalogue
        Where sources are looked up.
    report, cancel
        Progress, and the token that stops the work; what is finished is kept.
    device
        Where the networks run.
    is_sparse
        Whether the labels are strokes; see `annotate_from_labels`.
    """

    project: Project
    labels: Volume
    plan: AutoPlan
    catalogue: Catalogue
    report: Report
    cancel: CancelToken
    device: str = "auto"
    is_sparse: bool = False
    _began: float = field(default_factory=time.monotonic)

    def run(self) -> StoredAuto:
        """Go on until the tiles or the time are spent, or the last rounds gained too little.

        What was finished before it was cut off is not done again. The time is that of the computer: nobody
        paints here.

        Raises
        ------
        InputError
            If there is nothing to spend, or the labels or the source do not fit.
        Cancelled
            When asked to stop while it does not train.
        """
        _check(self.plan)
        state = self.project.auto.load(self.plan)
        used = state.seconds
        self._began = time.monotonic() - used
        while not state.ended_by:
            state = self._next(state)
            state = state.model_copy(update={"seconds": round(time.monotonic() - self._began, 1)})
            self.project.auto.store(state)
        return state

    def _next(self, state: StoredAuto) -> StoredAuto:
        """Return the state after one more step: the source found, a round done, or the end."""
        if not state.source:
            return state.model_copy(update={"source": self._source()})
        number = len(state.rounds) + 1
        turn = replace(self, report=_named(self.report, number), _began=self._began)
        if not turn._has_untrained_tiles():
            ended = turn._reason_to_end()
            if ended is not None:
                return _end(state, *ended)
            try:
                turn._paint(state)
            except InputError as error:
                if not state.rounds:
                    raise
                return _end(state, "no tiles", str(error))
        return turn._train(state, number)

    def _source(self) -> str:
        if self.plan.source != BEST or self.project.latest_run() is not None:
            return self.plan.source
        return self._training().best_source(self.device)

    def _training(self) -> TrainingTask:
        return TrainingTask(self.project, self.catalogue, self.report, self.cancel)

    def _has_untrained_tiles(self) -> bool:
        """Say whether tiles are painted that no finished run has seen: a round was cut off before its end."""
        return self._n_tiles > self._n_trained

    @property
    def _n_tiles(self) -> int:
        return len(self.project.annotations.tiles())

    @property
    def _n_trained(self) -> int:
        return max((run.record.n_tiles for run in self.project.runs.all() if run.is_finished), default=0)

    def _reason_to_end(self) -> tuple[EndedBy, str] | None:
        if self._n_tiles >= self.plan.n_tiles:
            return "tiles", f"All {self._n_tiles} tiles of the budget are painted."
        left = self._seconds_left
        if left is not None and left < SHORTEST:
            return "time", f"The time of {self.plan.seconds or 0:.0f} s is spent."
        words = reason_to_stop(learning_curve(self.project), self.project.manifest.structure)
        return ("flat", words) if words else None

    @property
    def _seconds_left(self) -> float | None:
        if self.plan.seconds is None:
            return None
        return self.plan.seconds - (time.monotonic() - self._began)

    def _paint(self, state: StoredAuto) -> None:
        """Choose tiles and take their labels."""
        n = min(self.plan.per_round, self.plan.n_tiles - self._n_tiles)
        cost, start = painting_cost(self.project), self._start(state)
        options = SuggestOptions(
            n,
            self.plan.tile,
            strategy=self.plan.strategy,
            source=None if start in ("latest", "scratch") else start,
            seed=self.plan.seed,
            device=self.device,
            with_uncertainty=True,
            cost=cost,
        )
        chosen = choose_tiles(
            self.project, options, catalogue=self.catalogue, report=self.report, cancel=self.cancel
        )
        annotate_from_labels(
            self.project, self.labels, [one.tile for one in chosen.suggestions], is_sparse=self.is_sparse
        )

    def _start(self, state: StoredAuto) -> str:
        """Return what the next training starts from: the run in use, but first what was asked for by name."""
        is_named = not state.rounds and self.plan.source != BEST
        return state.source if is_named or self.project.latest_run() is None else "latest"

    def _train(self, state: StoredAuto, number: int) -> StoredAuto:
        painted = self._painted_since()
        trained = self._training().run(self._start(state), self._budget(number))
        works = [work_of_annotation(one.labels) for one in painted]
        cost = painting_cost(self.project)
        measure = leading_score(self.project.manifest.structure)
        known = trained.validation
        done = AutoRound(
            n_tiles=trained.n_tiles,
            run=trained.run,
            kept=trained.kept,
            seconds=trained.seconds,
            score=known.get(measure),
            before=known.get(f"{measure}_previous", known.get(f"{measure}_source")),
            n_objects=sum(work.n_objects for work in works),
            border=sum(work.border for work in works),
            painting_seconds=round(sum(cost.seconds(work) for work in works), 1),
        )
        state = state.model_copy(update={"rounds": (*state.rounds, done)})
        if self.cancel.is_cancelled:
            return _end(state, "cancel", "Stopped on request; the same command goes on.")
        return state

    def _painted_since(self) -> list[LabelledTile]:
        """Return the tiles that were painted since the last finished run."""
        return self.project.annotations.labelled_tiles()[self._n_trained :]

    def _budget(self, number: int) -> Budget:
        """Return what the next training may take: an equal part of what is left for it and those to come."""
        left = self._seconds_left
        if left is None:
            return Budget(None, self.plan.steps, self.device, self.plan.seed + number)
        n_left = 1 + math.ceil(max(0, self.plan.n_tiles - self._n_tiles) / self.plan.per_round)
        seconds = max(SHORTEST, left / n_left)
        return Budget(seconds, self.plan.steps, self.device, self.plan.seed + number)


def _check(plan: AutoPlan) -> None:
    if plan.n_tiles < 1 or plan.per_round < 1:
        raise InputError(
            f"{plan.n_tiles} tiles, {plan.per_round} a round, leave nothing to do: ask for at least 1 of each"
        )
    Budget(plan.seconds, plan.steps, seed=plan.seed)
    SuggestOptions(tile=plan.tile, strategy=plan.strategy, seed=plan.seed)


def _end(state: StoredAuto, ended_by: EndedBy, words: str) -> StoredAuto:
    return state.model_copy(update={"ended_by": ended_by, "words": words})


def _named(report: Report, number: int) -> Report:
    def report_round(state: Progress) -> None:
        is_own = state.phase == "note" or not state.message
        report(state if is_own else replace(state, message=f"round {number}: {state.message}"))

    return report_round
