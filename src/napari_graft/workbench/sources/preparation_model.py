"""The preparation of the chosen source on the user's images: the offer, how it goes, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from psygnal import Signal, SignalGroupDescriptor

from napari_graft.jobs.builtin.pretrain import PretrainRequest
from napari_graft.pretraining.record import DEFAULT_SECONDS
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.sources.source import Source, id_without_view
from napari_graft.workbench.context import Context
from napari_graft.workbench.jobs import RunningJob
from napari_graft.workbench.request_options import RequestOptions

if TYPE_CHECKING:
    from napari_graft.jobs.builtin.pretrain import PretrainRequest
    from napari_graft.project.reports import PretrainReport


NO_SOURCE = "Choose a source first: select one and press “Use this one”."


@dataclass(slots=True, weakref_slot=True)
class PreparationState:
    """State of the preparation.

    Parameters
    ----------
    source, title
        The source that would be prepared, None and empty where none is chosen or it cannot be trained.
    minutes
        How long a preparation takes.
    is_preparing
        Whether one is under way or waits for its turn.
    is_cut_off
        Whether one of this source was cut off and can be gone on with.
    last
        The last finished preparation of this source, None where there is none.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    source: str | None = None
    title: str = ""
    minutes: float = DEFAULT_SECONDS / 60
    is_preparing: bool = False
    is_cut_off: bool = False
    last: PretrainReport | None = None


class PreparationModel:
    """View-model of the preparation: prepares the chosen source while somebody paints.

    Parameters
    ----------
    context
        What the window shares.
    """

    refused = Signal(str)
    """What cannot be done, in words."""
    prepared = Signal(str, str)
    """Names a source that was prepared, and the run that it has become."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.state = PreparationState()
        self._job: RunningJob[PretrainReport] | None = None
        context.hear(context.project_changed, self._read)

    @cached_property
    def options(self) -> RequestOptions[PretrainRequest]:
        """Options that the user sets; they are loaded when they are first asked for."""
        from napari_graft.jobs.builtin.pretrain import PretrainRequest

        return RequestOptions(PretrainRequest)

    def offer(self, chosen: str | None) -> None:
        """Offer to prepare the source that the user has chosen."""
        if chosen is None and self.state.source is None:
            return
        source = None if chosen is None else self._find(chosen)
        is_usable = source is not None and source.card.spec.is_trainable
        self.state.source = chosen if is_usable else None
        self.state.title = source.card.title if source is not None and is_usable else ""
        self._read()

    def start(self) -> None:
        """Prepare the source in the background, or go on where that was cut off."""
        project, source = self._context.project, self.state.source
        if project is None or source is None:
            self.refused.emit(NO_SOURCE)
            return
        if self.state.is_preparing:
            return
        request = self.options.request(
            project=str(project.folder),
            source=source,
            seconds=60 * self.state.minutes,
            seed=_seed(project, source),
            is_delegate=True,  # the window holds the project
        )
        self.state.is_preparing = True
        self._job = self._context.run_job(request, self._on_prepared)
        self._job.ended.connect(self._on_ended)

    def give_way(self, job: RunningJob[object]) -> None:
        """Let the preparation end where another job of its lane was started: nobody waits for it."""
        if self._job is not None and job is not self._job and job.lane == self._job.lane:
            self._job.cancel()

    def stop(self) -> None:
        """Let the preparation end now; what it has reached is kept."""
        if self._job is not None:
            self._job.cancel()

    def _find(self, chosen: str) -> Source | None:
        named = id_without_view(chosen)
        return next((one for one in self._context.catalogue.sources() if one.id == named), None)

    def _on_prepared(self, report: PretrainReport) -> None:
        self._context.note_saved()
        self._read()
        if report.is_changed:
            self.prepared.emit(report.source, report.run)

    def _on_ended(self) -> None:
        self._job = None
        self.state.is_preparing = False
        self._read()

    def _read(self) -> None:
        project, state = self._context.project, self.state
        runs = [] if project is None or state.source is None else _preparations(project, state.source)
        finished = [run for run in runs if run.is_finished]
        state.last = _report_of(finished[-1]) if finished else None
        state.is_cut_off = bool(runs) and not runs[-1].is_finished and not state.is_preparing


def _preparations(project: Project, source: str) -> list[Run]:
    """Return the preparations of a source that left something, the newest last."""
    return [run for run in project.runs.prepared() if run.record.source == source and not run.is_empty]


def _seed(project: Project, source: str) -> int:
    """Return the seed of the preparation that was cut off, else one that none of this source has had."""
    runs = _preparations(project, source)
    if runs and not runs[-1].is_finished:
        return int(runs[-1].record.settings.get("seed") or 0)
    return len(runs)


def _report_of(run: Run) -> PretrainReport:
    from napari_graft.project.reports import PretrainReport  # not before there is one

    return PretrainReport.of(run)
