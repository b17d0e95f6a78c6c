"""Try several sources on the annotated tiles, and go on with the one that turns out best."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import Progress, Report, note
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import trainable
from napari_graft.nets.device import choose_device
from napari_graft.project.comparison import is_no_worse, recorded
from napari_graft.project.run import Run, RunRecord
from napari_graft.project.run_store import StoredTrial, TrialOutcome
from napari_graft.session.models import model_of_source
from napari_graft.session.projects.project_image import find_diameter_beforehand
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import ProjectTask, Tiles, finish_run
from napari_graft.sources.card import LeadingScore, leading_score
from napari_graft.sources.source import Source, trained_on

Settings = dict[str, str | int | float | bool | None]

_OF_TRAINING = (
    *("steps", "seconds", "device", "stopped_by", "decode"),
    *("share", "choice", "has_objects", "note"),
)
"""What the run that the winner becomes says of its training, as it was recorded."""
_DECIMALS = 3
"""Scores that agree to so many count as equal."""
_BEFORE, _TRAINING = 0.1, 0.8
"""Shares of a source's turn: judging it untouched, and training it; judging it trained takes the rest."""


@dataclass(frozen=True, slots=True)
class TrialTask(ProjectTask):
    """Trial of sources in a project. See `ProjectTask`; a request to stop keeps the sources that are done."""

    def run(self, sources: Sequence[str], budget: Budget) -> StoredTrial:
        """Train each source alike on the annotated tiles, judge all on the same held-out part, keep the best.

        The best (`best_outcome`) becomes a run of the project as if it had been trained alone: it is in use
        from then on unless the run in use before is better on the held-out part. Of the others the scores
        remain. A trial that was stopped or killed goes on where it was when it is asked for again with the
        same budget, unless tiles were painted since.

        Parameters
        ----------
        sources
            Ids or paths, best first.
        budget
            Time or steps of each source.

        Raises
        ------
        InputError
            If no tile is annotated, or a source is unknown or named twice.
        Cancelled
            When asked to stop.
        """
        tiles = self.annotated_tiles("the trial")
        candidates = self._candidates(sources)
        settings = self._settings(budget, tiles)
        self._clear_others(settings)
        specs = [source.card.spec for source in candidates.values()]
        find_diameter_beforehand(self.project, specs, self.cancel, self.report)
        trial = StoredTrial(
            sources=tuple(sources), n_tiles=len(tiles), measure=leading_score(self.project.manifest.structure)
        )
        trainings: dict[str, Run] = {}
        for place, (name, source) in enumerate(candidates.items()):
            turn = replace(self, report=self._within(place, len(candidates), source.card.title))
            run = turn._try(name, source, tiles, budget, settings)
            trainings[name] = run
            outcomes = (*trial.outcomes, _outcome(run, source.card.title, trial.measure))
            trial = trial.model_copy(update={"outcomes": outcomes})
            self.project.trial.store(trial)
        winner = best_outcome(trial.outcomes, trial.measure).source
        chosen = self._make_run(trainings[winner], tiles, choose_device(budget.device).type)
        trial = trial.model_copy(update={"winner": winner, "run": chosen.id, "kept": chosen.record.kept})
        self.project.trial.store(trial)
        self.project.trial.clear_trainings()
        return trial

    def _candidates(self, sources: Sequence[str]) -> dict[str, Source]:
        if not sources or len(set(sources)) < len(sources):
            raise InputError(f"sources {list(sources)} are no shortlist: name one or more, each once")
        found = {name: self.catalogue.get(name) for name in sources}
        for source in found.values():
            if not source.card.spec.is_trainable:
                raise InputError(f"{source.id} is a finished network of another program: leave it out")
            if trained_on(source, self.project.image.path):
                words = "was trained on this image or its data set: its scores here cannot be believed"
                self.report(note(f"{source.id} {words}"))
        return found

    def _settings(self, budget: Budget, tiles: Tiles) -> Settings:
        """Return what must be equal for two trainings to be of one trial."""
        known = self.project.manifest
        seen = (
            known.inverted,
            known.structure,
            known.pixel_size,
            known.intensity_range,
            known.object_diameter,
        )
        digest = hashlib.sha256(repr(seen).encode())
        for one in tiles:
            digest.update(repr((one.tile.start, one.tile.shape, one.role)).encode())
            digest.update(one.labels.tobytes())
        return budget.settings | {"material": digest.hexdigest()[:16]}

    def _clear_others(self, settings: Settings) -> None:
        if any(run.record.settings != settings for run in self.project.trial.trainings.all()):
            self.project.trial.clear_trainings()

    def _try(self, name: str, source: Source, tiles: Tiles, budget: Budget, settings: Settings) -> Run:
        """Train a source, or return its training where that is finished already."""
        trainings = self.project.trial.trainings
        run = next((run for run in trainings.all() if run.record.source == name), None)
        if run is not None and run.is_finished:
            return run
        self.report(Progress(0, 1, "judging it untouched"))
        start = model_of_source(source)
        fitting = self.fitting(start.spec, tiles)
        untouched = fitting.measure(start.network, choose_device(budget.device))[1]
        spec = trainable(start.network, start.name).spec
        run = run or trainings.start(name, spec, len(tiles), settings=settings)
        fitted = fitting.fit(start, budget, run.checkpoint_path)
        if fitted.result.stopped_by == "cancel":
            raise Cancelled("stopped on request")
        save_tensors(run.weights_path, fitted.result.weights, {"run": run.id})
        return finish_run(run, fitted, {"source": untouched})

    def _make_run(self, training: Run, tiles: Tiles, device: str) -> Run:
        """Make a training of the trial a run of the project, unless that was done before a kill."""
        record, validation, kept = training.record, training.record.validation, training.record.kept
        settings: Settings = {"asked": record.source, "trial": True, **record.settings}
        run = self._begun_run(record, settings)
        if run is not None and run.is_finished:
            return run
        judged = self.judge_latest(tiles, choose_device(device))
        if judged is not None:
            validation = validation | judged.as_dict("_previous")
            reached = recorded(record.validation, self.project.manifest.structure)
            kept = record.steps > 0 and record.has_objects and is_no_worse(reached, judged)
        run = run or self.start_run(record.source, record.spec, record.n_tiles, settings=settings)
        save_tensors(run.weights_path, training.load_weights(), {"run": run.id})
        same = {name: getattr(record, name) for name in _OF_TRAINING}
        return run.finish(**same, history=record.history, validation=validation, kept=kept)

    def _begun_run(self, training: RunRecord, settings: Settings) -> Run | None:
        """Return the run that a training of this trial has become already."""
        runs = [run for run in self.project.runs.all() if run.record.settings == settings]
        return next((run for run in reversed(runs) if run.record.created >= training.created), None)

    def _within(self, place: int, n: int, title: str) -> Report:
        """Report the progress of one source as that of the whole trial, in per cent."""

        def report(state: Progress) -> None:
            share = state.done / state.total if state.total else 0.0
            is_training = "loss" in state.metrics or share == 1
            done = _BEFORE + _TRAINING * min(1.0, share) if is_training else 0.0
            message = state.message if state.phase == "note" else f"trying {title} ({place + 1} of {n})"
            percent = round(100 * (place + done) / n, 1)
            self.report(Progress(percent, 100, message, state.metrics, phase=state.phase))

        return report


def best_outcome(outcomes: Sequence[TrialOutcome], measure: LeadingScore) -> TrialOutcome:
    """Return the best by its held-out score, ties by the loss, then by the order of the ranking.

    Where one of them has no score, because no whole object was held out, the loss decides alone.
    """
    has_scores = all(one.score is not None for one in outcomes)

    def badness(one: TrialOutcome) -> tuple[float, float]:
        score = one.score if has_scores and one.score is not None else 0.0
        loss = math.inf if one.loss is None else one.loss
        return round(score if measure == "vi" else -score, _DECIMALS), loss

    return min(outcomes, key=badness)


def _outcome(run: Run, title: str, measure: LeadingScore) -> TrialOutcome:
    known = run.record.validation
    return TrialOutcome(
        source=run.record.source,
        title=title,
        score=known.get(measure),
        loss=known.get("loss"),
        score_untouched=known.get(f"{measure}_source"),
        loss_untouched=known.get("loss_source"),
        steps=run.record.steps,
        seconds=run.record.seconds,
    )
