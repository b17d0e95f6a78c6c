"""The model of the tab Train: what a training starts from, how it goes, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError, InputError
from napari_graft.core.progress import Progress
from napari_graft.jobs.base import Request
from napari_graft.jobs.builtin.device import Device, DeviceRequest
from napari_graft.jobs.builtin.merge import MergeRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.merging.recipe import require_one_shape
from napari_graft.project.project import Project
from napari_graft.project.reports import MergeReport, TrainReport
from napari_graft.session.training.learning_curve import CurvePoint, advice, learning_curve
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.request_options import RequestOptions
from napari_graft.workbench.train.results import ResultsModel
from napari_graft.workbench.train.rounds import (
    Round,
    StartPoint,
    TrainingCurve,
    Unfinished,
    finished_rounds,
    start_points,
    unfinished_training,
)

NO_PROJECT = "Start a project first, in the tab Data."
NO_TILES = "Paint at least one tile first, in the tab Annotate."
BUSY = "A training is under way: let it end, or stop it in the tab Train."


@dataclass(slots=True, weakref_slot=True)
class TrainingState:
    """State of the tab Train.

    Parameters
    ----------
    starts, start
        What a training can start from, and the reference of the one that is chosen.
    minutes, stops_when_flat
        When a training ends.
    obstacle
        Why no training can begin, in words; empty where one can.
    is_training
        Whether a training is under way or waits for its turn.
    steps, expected_steps, seconds_left
        How far it is; None while it cannot be told.
    message
        What it does while it does not learn yet, or what it has to say.
    memory_mb
        Memory that it takes.
    device
        Where trainings run, None while that is not known.
    unfinished
        The training that was cut off, None where there is none to go on with.
    rounds
        Finished trainings, the first one first.
    points, advice
        The held-out scores against what was painted, and whether more painting is worth it.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    starts: tuple[StartPoint, ...] = ()
    start: str = ""
    minutes: float = 3.0
    stops_when_flat: bool = True
    obstacle: str = NO_PROJECT
    is_training: bool = False
    steps: int = 0
    expected_steps: int | None = None
    seconds_left: float | None = None
    message: str = ""
    memory_mb: float | None = None
    device: Device | None = None
    unfinished: Unfinished | None = None
    rounds: tuple[Round, ...] = ()
    points: tuple[CurvePoint, ...] = ()
    advice: str = ""


class TrainingModel:
    """View-model of the tab Train: trains on what is painted, keeps or rolls back what came of it.

    Parameters
    ----------
    context
        What the window shares.
    results
        Segments the image when a training has ended.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    curve_changed = Signal()
    round_ready = Signal()
    """A training has ended, the image is segmented with the model in use, and new tiles can be suggested."""

    def __init__(self, context: Context, results: ResultsModel) -> None:
        self._context = context
        self._results = results
        self.state = TrainingState()
        self.options = RequestOptions(TrainRequest)
        self.merge_options = RequestOptions(MergeRequest)
        self.curve = TrainingCurve()
        self._job: RunningJob[Any] | None = None
        self._ranked: tuple[str, ...] = ()
        self._chosen: str | None = None
        self._began: float | None = None
        self._already = 0.0
        self._n_tiles = 0
        context.hear(context.project_changed, self._on_project_changed)
        context.hear(context.tiles_changed, self._read)
        context.hear(context.runs_changed, self._read)

    @property
    def n_new_tiles(self) -> int:
        """Number of tiles painted since the last finished training."""
        rounds = self.state.rounds
        return max(0, self._n_tiles - (rounds[-1].n_tiles if rounds else 0))

    def offer_sources(self, ranked: Sequence[str], chosen: str | None) -> None:
        """Take over the order of the sources and the one that the user chose."""
        is_new_choice = chosen != self._chosen
        self._ranked, self._chosen = tuple(ranked), chosen
        self._read()
        if is_new_choice and chosen in [start.reference for start in self.state.starts]:
            self.state.start = chosen or ""

    def take_prepared(self, source: str, run_id: str) -> None:
        """Take over a prepared source: where the source itself would be the start, that is one now."""
        was_start = self.state.start == source
        self._read()
        if was_start:
            self.state.start = f"run {run_id}"

    def find_device(self) -> None:
        """Find out in a worker process where trainings run, unless that is known."""
        if self.state.device is None and self._context.project is not None:
            self._context.run_job(DeviceRequest(), self._on_device_found)

    def train(self) -> None:
        """Begin a training in the background."""
        project = self._context.project
        if project is None or self.state.obstacle:
            self.refused.emit(self.state.obstacle or NO_PROJECT)
            return
        self._start(self._train_request(project, self.state.start))

    def merge(self, sources: Sequence[str]) -> None:
        """Begin to merge models in the background, the first one being the nearest, and train the result.

        Raises
        ------
        InputError
            If nothing is painted, a training is under way, or the models are not of one shape.
        """
        project = self._context.project
        if project is None or self.state.obstacle:
            raise InputError(self.state.obstacle or NO_PROJECT)
        if self.state.is_training:
            raise InputError(BUSY)
        require_one_shape({name: self._context.catalogue.get(name).card.spec for name in sources})
        budget = self._train_request(project, "").model_dump(exclude={"source"})
        self._start(self.merge_options.request(sources=tuple(sources), **budget))

    def go_on(self) -> None:
        """Go on with the training that was cut off."""
        project, unfinished = self._context.project, self.state.unfinished
        if project is None or unfinished is None:
            return
        again = {"seed": unfinished.seed, "seconds": unfinished.asked_seconds or 60 * self.state.minutes}
        merge = unfinished.merge
        request: TrainRequest | MergeRequest = (
            self._train_request(project, unfinished.source)
            if merge is None
            else self._merge_request(project, merge.references, merge.method)
        )
        self._start(request.model_copy(update=again), already=unfinished.seconds)

    def stop(self) -> None:
        """Let the training end now; its best model is kept."""
        if self._job is not None:
            self._job.cancel()

    def keep(self, run_id: str, *, is_kept: bool) -> None:
        """Use a round from now on, or roll it back, so that the one before is used again."""
        try:
            self._context.require_project().runs.keep(run_id, is_kept)
        except GraftError as error:
            self.refused.emit(str(error))
            return
        self._after_round()

    def _train_request(self, project: Project, source: str) -> TrainRequest:
        return self.options.request(
            project=str(project.folder),
            source=source,
            is_delegate=True,  # the window holds the project
            seconds=60 * self.state.minutes,
            seed=_new_seed(project),
            stops_when_flat=self.state.stops_when_flat,
        )

    def _merge_request(self, project: Project, sources: Sequence[str], method: str) -> MergeRequest:
        budget = self._train_request(project, "").model_dump(exclude={"source"})
        return MergeRequest(sources=tuple(sources), method=method, **budget)

    def _start(self, request: TrainRequest | MergeRequest, already: float = 0.0) -> None:
        self.curve = TrainingCurve()
        self.curve_changed.emit()
        self._began, self._already = None, already
        self.state.is_training, self.state.message, self.state.unfinished = True, "", None
        self.state.steps, self.state.expected_steps, self.state.seconds_left = 0, None, None
        learn: Request[Any] = request
        self._job = self._context.run_job(learn, self._on_trained, on_progress=self._on_progress)
        self._job.ended.connect(self._on_ended)

    def _on_progress(self, progress: Progress) -> None:
        state, metrics = self.state, progress.metrics
        state.memory_mb = metrics.get("memory_mb", state.memory_mb)
        state.message = "" if progress.phase == "training" else progress.message
        if "loss" not in metrics:
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now - self._already
        state.steps = round(progress.done)
        state.expected_steps = None if progress.total is None else round(progress.total)
        state.seconds_left = None if self._job is None else self._job.state.seconds_left
        self.curve.add((now - self._began) / 60, metrics["loss"], metrics.get("held_out_loss"))
        self.curve_changed.emit()

    def take_round(self) -> None:
        """Take over a round that has just ended: the one in use is what the next training starts from."""
        self.state.start = ""
        self._after_round()

    def _on_trained(self, _: TrainReport | MergeReport) -> None:
        self.take_round()

    def _after_round(self) -> None:
        self._context.note_saved()
        self._context.runs_changed.emit()
        self._results.segment_round(on_done=self.round_ready.emit)

    def _on_ended(self) -> None:
        self._job = None
        self.state.is_training = False
        self.state.seconds_left = None
        self._read()

    def _on_device_found(self, device: Device) -> None:
        self.state.device = device

    def _on_project_changed(self) -> None:
        self.state.start = ""
        self.curve = TrainingCurve()
        self._read()

    def _read(self) -> None:
        """Bring the state in line with what is on the disk."""
        project, state = self._context.project, self.state
        if project is None:
            state.starts, state.obstacle, state.unfinished = (), NO_PROJECT, None
            state.rounds, state.points, state.advice = (), (), ""
            self._n_tiles = 0
            self.curve_changed.emit()
            return
        self._n_tiles = len(project.annotations.tiles())
        state.obstacle = "" if self._n_tiles else NO_TILES
        state.unfinished = None if state.is_training else unfinished_training(project, self._n_tiles)
        state.starts = start_points(
            project, self._context.catalogue, chosen=self._chosen, ranked=self._ranked
        )
        if state.start not in [start.reference for start in state.starts]:
            state.start = state.starts[0].reference
        state.rounds = finished_rounds(project, self._context.catalogue)
        self._read_learning_curve(project)
        if not self.curve and state.rounds and not state.is_training:
            self.curve = TrainingCurve.from_history(state.rounds[-1].history)
            self.curve_changed.emit()

    def _read_learning_curve(self, project: Project) -> None:
        try:
            points = learning_curve(project)
        except InputError as error:
            self.state.points, self.state.advice = (), str(error)
            return
        self.state.points = tuple(points)
        self.state.advice = advice(points, project.manifest.structure)


def _new_seed(project: Project) -> int:
    """Return a seed of its own for each training: else one that was cut off would be gone on with unasked."""
    return len(project.runs.all())
