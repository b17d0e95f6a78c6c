"""Train a model on what is annotated in a project, and keep it if it is no worse."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, note
from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import trainable
from napari_graft.nets.device import choose_device
from napari_graft.project.comparison import is_no_worse
from napari_graft.project.project import Project
from napari_graft.project.reports import TrainReport
from napari_graft.project.run import Run
from napari_graft.scorers.outlook import outlook
from napari_graft.session.models import SCRATCH, Model, find_run, load_model, model_of_run
from napari_graft.session.projects.object_diameter import known_diameter
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.rank import rank_nearest_kind, tell_left_out, unseen_sources
from napari_graft.session.training.fitting import Budget, Fitted, Fitting, make_examples
from napari_graft.session.training.validation import Judgement
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec, NetworkSpec

if TYPE_CHECKING:
    import torch


Tiles = Sequence[LabelledTile]


@dataclass(frozen=True, slots=True)
class ProjectTask:
    """Base of the tasks that learn from the tiles of a project.

    Parameters
    ----------
    project
        Open for writing or as a delegate, with annotated tiles.
    catalogue
        Where sources are looked up.
    report, cancel
        Progress, and the token that stops the work.
    """

    project: Project
    catalogue: Catalogue
    report: Report
    cancel: CancelToken

    def annotated_tiles(self, before: str) -> list[LabelledTile]:
        """Return the annotated tiles, of which there must be one before what is about to be done.

        Raises
        ------
        InputError
            If there is none.
        """
        tiles = self.project.annotations.labelled_tiles()
        if not tiles:
            raise InputError(f"no tile is annotated yet: suggest tiles and annotate them before {before}")
        return tiles

    def proper_name(self, reference: str) -> str:
        """Return what a record calls a model: a run of this project by its number, others as they are named.

        What is in use of another project has its number too: that may be another one tomorrow.

        Raises
        ------
        InputError
            If it names a run that there is not.
        """
        run = find_run(reference, self.project)
        if run is None:
            return reference
        if self.is_own(run):
            return f"run {run.id}"
        folder, _, run_id = reference.rpartition(":")
        return f"{folder}:{run.id}" if run_id == "latest" else reference

    def start_run(self, source: str, spec: ModelSpec, n_tiles: int, **more: object) -> Run:
        """Start a run, in place of one that was killed before it had anything; see `Project.new_run`."""
        self.project.runs.clear_leftovers()
        diameter = view_of(self.project, spec, self.cancel, self.report).object_diameter
        return self.project.new_run(source, spec, n_tiles=n_tiles, object_diameter=diameter, **more)

    def is_own(self, run: Run) -> bool:
        """Say whether a run is of this project."""
        return run.folder.resolve().is_relative_to(self.project.folder.resolve())

    def fitting(self, spec: NetworkSpec, tiles: Tiles) -> Fitting:
        """Return how networks of a specification are adapted to tiles and judged on them.

        Raises
        ------
        InputError
            If there is nothing to learn from.
        """
        examples = make_examples(view_of(self.project, spec, self.cancel, self.report), tiles)
        return Fitting(examples, self.project.manifest.structure, self.report, self.cancel)

    def judge_latest(self, tiles: Tiles, device: torch.device) -> Judgement | None:
        """Judge the model in use on today's held-out part, None where there is none yet.

        Its decoding is tuned anew on what is trained on, as that of its rivals: its own may have seen what is
        held out.
        """
        latest = self.project.latest_run()
        if latest is None:
            return None
        model = model_of_run(latest)
        return self.fitting(model.spec, tiles).measure(model.network, device)[1]


_log = logging.getLogger(__name__)

BEST = "best"
PREPARED_IS_WORSE = (
    "the prepared source is worse on the held-out part than the one that it was made of: "
    "the training starts from that"
)


@dataclass(frozen=True, slots=True)
class TrainingTask(ProjectTask):
    """Training in a project. See `ProjectTask`; a request to stop keeps the best weights so far."""

    def run(self, source: str, budget: Budget) -> TrainReport:
        """Train from `source` within a budget, or go on with the run of the same source that was cut off.

        Where the start is a trained network, what is kept is the best on the way from it to the trained
        weights (`choose`). It takes the place of the model before only if its objects on the held-out part
        are no worse, by the loss where they are equal or were not scored; before the first run that is the
        untouched source. Where nothing is held out, it does; where no object was painted, it does not.

        Parameters
        ----------
        source
            As for `load_model`, or ``best`` for the first of the ranking of `unseen_sources`. In place of a
            prepared source that is worse on the held-out part than the one it was made of, that one is taken.
        budget
            Time or steps.

        Raises
        ------
        InputError
            If no tile is annotated, or the source is unknown or a finished network of another program.
        """
        tiles = self.annotated_tiles("training")
        # The run begins when nothing can be refused any more: what is refused leaves nothing behind.
        unfinished = self._unfinished(source, budget, len(tiles))
        reference = self._reference(source, budget) if unfinished is None else unfinished.record.source
        start = load_model(reference, self.project, self.catalogue, seed=budget.seed)
        trainable(start.network, start.name)
        if unfinished is None:
            reference, start = self._no_worse_start(reference, start, tiles, budget)
        fitting = self.fitting(start.spec, tiles)
        earlier = self._judge_earlier(self._untouched(start, reference), tiles, budget)
        run = unfinished or self._new_run(source, reference, start, budget, len(tiles))
        fitted = fitting.fit(start, budget, run.checkpoint_path)
        save_tensors(run.weights_path, fitted.result.weights, {"run": run.id})
        return summary(finish_run(run, fitted, earlier), is_resumed=unfinished is not None)

    def _unfinished(self, source: str, budget: Budget, n_tiles: int) -> Run | None:
        run = self.project.runs.unfinished()
        if run is None or run.record.merge is not None or run.record.bridge is not None:
            return None
        is_same = (
            source in (run.record.settings.get("asked"), run.record.source)
            and run.record.settings.get("seed") == budget.seed
            and run.record.n_tiles == n_tiles
            and self._still_means(source, run.record.source)
        )
        return run if is_same else None

    def _still_means(self, source: str, reference: str) -> bool:
        """Say whether a name means today what a record calls `reference`: the user may have chosen a run."""
        is_run = source == "latest" or source.endswith(":latest")
        return not is_run or self.proper_name(source) == reference

    def _reference(self, source: str, budget: Budget) -> str:
        """Return how the record of a run names what the training starts from."""
        if source == BEST:
            return self.best_source(budget.device)
        return self.proper_name(source)

    def _new_run(self, source: str, reference: str, start: Model, budget: Budget, n_tiles: int) -> Run:
        settings = {"asked": source} | budget.settings
        parent = find_run(reference, self.project)
        own = parent.id if parent is not None and self.is_own(parent) else None
        # The number of tiles that were read: whoever annotates beside this process may have more by now.
        spec = trainable(start.network, start.name).spec
        return self.start_run(reference, spec, n_tiles, parent=own, settings=settings)

    def best_source(self, device: str) -> str:
        """Return the id of the first source of the ranking that has not seen the image and can be trained."""
        sources, seen = unseen_sources(self.project, self.catalogue)
        if seen:
            self.report(note(tell_left_out(seen)))
        sources = [source for source in sources if source.card.spec.is_trainable]
        ranked = rank_nearest_kind(
            self.project, sources, device=device, report=self.report, cancel=self.cancel
        )
        wider = known_diameter(self.project).wider
        best, expected = ranked[0], outlook(ranked, self.project.manifest.structure, wider)
        if expected is not None:
            self.report(note(f"{expected.words}"))
        if best.score.advice is not None:
            self.report(note(f"{best.source.id}: {best.score.advice}"))
        return best.source.id

    def _no_worse_start(
        self, reference: str, start: Model, tiles: Tiles, budget: Budget
    ) -> tuple[str, Model]:
        """Return what to start from: of a prepared source that is worse than the untouched one, that one.

        Both are judged by their objects on the held-out part before the training, each with a decoding tuned
        on the rest.
        """
        run = find_run(reference, self.project)
        if run is None or not run.is_prepared:
            return reference, start
        untouched_reference = run.record.source
        try:
            untouched = load_model(untouched_reference, self.project, self.catalogue)
        except InputError as error:
            _log.warning("not compared with the source before it was prepared: %s", error)
            return reference, start
        self.report(Progress(0, None, "comparing the prepared source with the one that it was made of"))
        device, fitting = choose_device(budget.device), self.fitting(start.spec, tiles)
        prepared, before = (fitting.measure(one.network, device)[1] for one in (start, untouched))
        if is_no_worse(prepared, before):
            return reference, start
        self.report(note(PREPARED_IS_WORSE))
        return untouched_reference, untouched

    def _untouched(self, start: Model, reference: str) -> Model | None:
        """Return the source at the beginning of the runs that `reference` names, where it is still there.

        Of those that were merged it is the first.
        """
        origin = reference
        while (run := find_run(origin, self.project)) is not None and self.is_own(run):
            merge = run.record.merge
            origin = run.record.source if merge is None else merge.references[0]
        if origin == SCRATCH:
            return None
        try:
            return start if origin == reference else load_model(origin, self.project, self.catalogue)
        except InputError as error:
            _log.warning("not compared with the untouched source: %s", error)
            return None

    def _judge_earlier(self, source: Model | None, tiles: Tiles, budget: Budget) -> dict[str, Judgement]:
        """Judge what the new model competes with on today's held-out part, which none was trained on."""
        device = choose_device(budget.device)
        judged: dict[str, Judgement] = {}
        self.report(Progress(0, None, "measuring what the new model has to beat"))
        if source is not None:
            judged["source"] = self.fitting(source.spec, tiles).measure(source.network, device)[1]
        latest = self.judge_latest(tiles, device)
        return judged if latest is None else judged | {"previous": latest}


def finish_run(run: Run, fitted: Fitted, earlier: Mapping[str, Judgement]) -> Run:
    """Write what a training came to, and whether it is no worse than what it had to beat.

    Parameters
    ----------
    run
        Its weights are written already.
    earlier
        Judgements on the same held-out part: of the model in use as ``previous``, else of the ``source``.
    """
    rival = earlier.get("previous", earlier.get("source"))
    validation = fitted.judgement.as_dict()
    for name, judgement in earlier.items():
        validation |= judgement.as_dict(f"_{name}")
    return run.finish(
        steps=fitted.result.steps,
        seconds=round(fitted.result.seconds, 2),
        device=fitted.result.device,
        stopped_by=fitted.result.stopped_by,
        history=[asdict(moment) for moment in fitted.result.history],
        validation=validation,
        # Stopped before it had learned anything, or with nothing to learn, it is no new model.
        kept=fitted.result.steps > 0 and fitted.has_objects and is_no_worse(fitted.judgement, rival),
        decode={name: float(value) for name, value in asdict(fitted.decode).items()},
        share=fitted.share,
        choice=fitted.choice,
        has_objects=fitted.has_objects,
        note=fitted.note,
    )


def summary(run: Run, *, is_resumed: bool) -> TrainReport:
    """Tell what a finished run did."""
    record = run.record
    return TrainReport(
        run=record.id,
        source=record.source,
        n_tiles=record.n_tiles,
        steps=record.steps,
        seconds=record.seconds,
        device=record.device,
        stopped_by=record.stopped_by or "",
        validation=record.validation,
        kept=record.kept,
        resumed=is_resumed,
        note=record.note,
        share=record.share,
        choice=record.choice,
    )
