"""The segmentations of the image by the rounds: made in the background, and kept in the project."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_labels
from napari_graft.jobs.builtin.predict import PredictRequest, PredictResult
from napari_graft.project.project import Project
from napari_graft.project.results import (
    Result,
    ResultRecord,
    ResultStore,
    note_written_result,
    written_results,
)
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.request_options import RequestOptions
from napari_graft.workbench.train.finished_results import (
    Finished,
    ResultDamage,
    find_faults,
    finished_in_files,
    finished_round,
    region_text,
    region_to_segment,
)
from napari_graft.workbench.train.rounds import round_name

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class WholeResult:
    """Segmentation of the whole image, opened lazily.

    Parameters
    ----------
    file
        Where it is.
    labels
        What is in it.
    is_new
        Whether it was written just now, and is to be seen.
    """

    file: Path
    labels: Volume
    is_new: bool


@dataclass(slots=True, weakref_slot=True)
class ResultsState:
    """State of the segmentations.

    Parameters
    ----------
    results
        The segmentations that are there, by the order of their rounds.
    shown
        Id of the run whose segmentation is to be seen, None where it has none.
    whole
        The segmentations of the whole image in files of the user's choice that are still there.
    is_segmenting
        Whether a segmentation is under way.
    missing
        Id of the run in use where it has no segmentation, or one to be made again; None where it has one.
    untouched
        Id of the source in use while there is no run; None once there is one.
    faults
        What is wrong with segmentations: they are damaged, or of other pixels than the image has now.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    results: tuple[Result, ...] = ()
    shown: str | None = None
    whole: tuple[WholeResult, ...] = ()
    is_segmenting: bool = False
    missing: str | None = None
    untouched: str | None = None
    faults: tuple[ResultDamage, ...] = ()


class ResultsModel:
    """View-model of the segmentations by the model in use.

    Parameters
    ----------
    context
        What the window shares.
    chosen_source
        Returns the id of the source that the user chose, None before.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    written = Signal(Path, int)
    """A segmentation that the user asked for is in its file; with the number of its objects."""

    def __init__(self, context: Context, *, chosen_source: Callable[[], str | None]) -> None:
        self._context = context
        self._chosen_source = chosen_source
        self.state = ResultsState()
        self.options = RequestOptions(PredictRequest)
        """Of the whole image."""
        self._jobs: list[RunningJob[PredictResult]] = []
        self._looked_at: set[Finished] = set()
        self.find_place: Callable[[], tuple[int, ...] | None] = lambda: None
        """Returns the pixel of the image that the user looks at, None where that is not known."""
        context.hear(context.project_changed, self._on_project_changed)
        context.hear(context.runs_changed, self._on_runs_changed)

    def segment_round(self, on_done: Callable[[], None] = lambda: None) -> None:
        """Segment with the run in use what is small enough to be ready soon, unless that is there already."""
        project = self._context.require_project()
        run = project.latest_run()
        if run is None or (
            self._store(project.folder).find(run.id) is not None and not self._has_fault(run.id)
        ):
            self._read()
            on_done()
            return
        store = self._store(project.folder)
        store.make_folder()
        region = self.region()
        request = PredictRequest(
            project=str(project.folder),
            out=str(store.labels_path(run.id)),
            uncertainty=str(store.uncertainty_path(run.id)),
            run=run.id,
            region=region_text(region),
            is_inside=True,
            overwrite=True,
        )

        def take(result: PredictResult) -> None:
            self._take(run.id, region, result)
            on_done()

        self._follow(self._context.run_job(request, take, title=f"Segmenting with {round_name(run.id)}"))

    def segment_whole(self, out: Path) -> None:
        """Segment the whole image with the run in use, else with the source that was chosen, into a file.

        When stopped, it can go on.
        """
        try:
            project = self._context.require_project()
            run, source = self._model_in_use(project)
        except InputError as error:
            self.refused.emit(str(error))
            return
        request = self.options.request(
            project=str(project.folder), out=str(out), run=run, source=source, overwrite=True
        )

        def take(result: PredictResult) -> None:
            self._take_whole(run, source, result)

        self._follow(self._context.run_job(request, take, title="Segmenting the whole image"))

    def update_model(self) -> None:
        """Find out anew whether a source is in use untouched."""
        project = self._context.project
        is_untouched = project is not None and project.latest_run() is None
        self.state.untouched = self._chosen_source() if is_untouched else None

    def file_to_propose(self) -> Path:
        """Return where to write the whole image unless the user wants it elsewhere: beside the project."""
        folder = self._context.require_project().folder
        return folder.with_name(f"{folder.stem}-segments.tif")

    def _model_in_use(self, project: Project) -> tuple[str | None, str | None]:
        """Return the id of the run in use, or that of the source that was chosen."""
        run = project.latest_run()
        if run is not None:
            return run.id, None
        source = self._chosen_source()
        if source is None:
            raise InputError(
                "there is nothing to segment with yet: choose a source in the tab Sources, or train"
            )
        return None, source

    def region(self) -> Tile:
        """Return the part of the image that a round segments."""
        project = self._context.require_project()
        tiles = project.annotations.tiles()
        tiles += [queued.tile for queued in project.queue().tiles if queued.state == "to do"]
        return region_to_segment(project.manifest.shape, tiles, self.find_place())

    def _take(self, run_id: str, region: Tile, result: PredictResult) -> None:
        project = self._context.require_project()
        record = ResultRecord(
            run=run_id,
            start=region.start,
            shape=region.shape,
            n_objects=result.n_objects,
            made_of=result.made_of,
        )
        self._store(project.folder).add(record)
        self._forget_faults(run_id)
        self._context.note_saved()
        self._read()

    def _take_whole(self, run: str | None, source: str | None, result: PredictResult) -> None:
        file, n_objects = Path(result.path), result.n_objects
        folder = self._context.require_project().folder
        note_written_result(folder, file, run, n_objects, result.made_of, source)
        self._forget_faults(str(file))
        self._context.note_saved()
        self.written.emit(file, n_objects)
        self._open_whole([file], is_new=True)

    def _on_project_changed(self) -> None:
        project = self._context.project
        self._looked_at, self.state.faults, self.state.whole = set(), (), ()
        self._read()
        files = (
            [] if project is None else [one.file(project.folder) for one in written_results(project.folder)]
        )
        if files:
            self._open_whole(files, is_new=False)

    def _on_runs_changed(self) -> None:
        # The image may have been written to since the segmentation that is shown now was looked at.
        project = self._context.project
        latest = None if project is None else project.latest_run()
        self._looked_at = {one for one in self._looked_at if latest is None or one.key != latest.id}
        self._read()

    def _open_whole(self, files: Sequence[Path], *, is_new: bool) -> None:
        """Open what was written; a file that is another image by now, or damaged, is left out."""
        project = self._context.require_project()
        shape, finished = project.manifest.shape, finished_in_files(project.folder, files)

        def read(
            report: Report, cancel: CancelToken
        ) -> tuple[tuple[WholeResult, ...], tuple[ResultDamage, ...]]:
            faults = find_faults(finished, project.image, report, cancel)
            damaged = [fault.key for fault in faults if fault.is_damaged]
            opened = [None if str(file) in damaged else _open_labels(file) for file in files]
            return tuple(
                WholeResult(file, labels, is_new)
                for file, labels in zip(files, opened, strict=True)
                if labels is not None and labels.shape == shape
            ), faults

        def take(found: tuple[tuple[WholeResult, ...], tuple[ResultDamage, ...]]) -> None:
            if self._context.project is project:
                known = [one for one in self.state.whole if one.file not in files]
                self.state.whole = (*known, *found[0])
                self._replace_faults(finished, found[1])

        self._context.jobs.start("Opening the result", read, lane="files", on_done=take)

    def _look(self, found: Sequence[Result]) -> None:
        """Look in the background at segmentations of rounds that were not looked at yet."""
        project = self._context.require_project()
        finished = [one for one in map(finished_round, found) if one not in self._looked_at]
        if not finished:
            return
        self._looked_at.update(finished)

        def look(report: Report, cancel: CancelToken) -> tuple[ResultDamage, ...]:
            return find_faults(finished, project.image, report, cancel)

        def take(faults: tuple[ResultDamage, ...]) -> None:
            if self._context.project is project and self._replace_faults(finished, faults):
                self._read()

        self._context.jobs.start("Looking at the results", look, lane="files", on_done=take)

    def _replace_faults(self, looked_at: Sequence[Finished], faults: Sequence[ResultDamage]) -> bool:
        """Take over what was found; return whether anything is new."""
        before, keys = self.state.faults, [one.key for one in looked_at]
        self.state.faults = (*(fault for fault in before if fault.key not in keys), *faults)
        return self.state.faults != before

    def _forget_faults(self, key: str) -> None:
        self._looked_at = {one for one in self._looked_at if one.key != key}
        self.state.faults = tuple(fault for fault in self.state.faults if fault.key != key)

    def _has_fault(self, run_id: str) -> bool:
        return run_id in [fault.key for fault in self.state.faults]

    def _follow(self, job: RunningJob[PredictResult]) -> None:
        self._jobs.append(job)
        job.ended.connect(self._on_ended)
        self._on_ended()

    def _on_ended(self) -> None:
        self._jobs = [job for job in self._jobs if job.state.is_active]
        self.state.is_segmenting = bool(self._jobs)

    def _read(self) -> None:
        self.update_model()
        project = self._context.project
        if project is None:
            self.state.results, self.state.shown, self.state.missing = (), None, None
            return
        store = self._store(project.folder)
        found = [store.find(run.id) for run in project.runs.all() if run.is_finished]
        results = [result for result in found if result is not None]
        damaged = [fault.key for fault in self.state.faults if fault.is_damaged]
        latest = project.latest_run()
        in_use = None if latest is None else latest.id
        self.state.results = tuple(result for result in results if result.record.run not in damaged)
        is_there = in_use in [result.record.run for result in self.state.results]
        self.state.shown = in_use if is_there else None
        self.state.missing = in_use if in_use and (not is_there or self._has_fault(in_use)) else None
        self._look(results)

    @staticmethod
    def _store(folder: Path) -> ResultStore:
        return ResultStore(folder / "results")


def _open_labels(file: Path) -> Volume | None:
    """Open a result; None where the user has put something else in its place."""
    try:
        return open_labels(file)
    except InputError as error:
        _log.warning("left out: %s", error)
        return None
