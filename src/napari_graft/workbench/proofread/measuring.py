"""Measurements of the objects that are proofread: their table, and what a plot shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal, SignalGroupDescriptor

from napari_graft.core.errors import GraftError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.io import open_labels
from napari_graft.project.project import Project
from napari_graft.segmentation.measurements import IDENTITY
from napari_graft.workbench.context import Context
from napari_graft.workbench.proofread.model import ProofreadingModel
from napari_graft.workbench.proofread.open_result import OpenResult

if TYPE_CHECKING:
    from napari_graft.session.exporting.tables import Columns
    from napari_graft.session.exporting.task import ExportTask

_FEWEST_BARS, _MOST_BARS = 5, 40
_PLACES = ("box_", "centroid_")
"""Columns that say where an object is, and not what it is like."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Histogram of a measurement.

    Parameters
    ----------
    edges
        (n_bars + 1,) float64, rising.
    counts
        (n_bars,) int64, how many objects lie between.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(slots=True, weakref_slot=True)
class MeasuringState:
    """State of the measurements.

    Parameters
    ----------
    columns
        A value for each object by name, as `measure_objects` has them; empty before they are measured.
    is_measuring
        Whether they are measured now.
    is_old
        Whether objects were changed since they were measured.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    columns: Columns = field(default_factory=dict)
    is_measuring: bool = False
    is_old: bool = False


class MeasuringModel:
    """View-model of the measurements of the result that is proofread.

    Parameters
    ----------
    context
        What the window shares.
    proofreading
        Holds the result.
    """

    chosen = Signal(int)
    """Asks to bring an object into view."""

    def __init__(self, context: Context, proofreading: ProofreadingModel) -> None:
        self._context = context
        self._proofreading = proofreading
        self.state = MeasuringState()
        proofreading.replaced.connect(self._forget)
        proofreading.changed.connect(lambda *_: self._note_change())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that a plot can show."""
        numbers = (name for name in self.state.columns if name not in ("label", "touches_border"))
        return tuple(name for name in numbers if not name.startswith(_PLACES))

    def measure(self) -> None:
        """Measure all objects as they are now, in the background."""
        project, opened = self._context.project, self._proofreading.state.opened
        if project is None or opened is None:
            self._proofreading.refused.emit("no result is open: choose one and press Proofread")
            return

        def task(report: Report, cancel: CancelToken) -> Columns | GraftError:
            from napari_graft.session.exporting.tables import measure_objects

            try:
                return measure_objects(_task_of(project, opened, report, cancel))
            except GraftError as error:
                return error

        def take(found: Columns | GraftError) -> None:
            if self._proofreading.state.opened is not opened:
                return
            if isinstance(found, GraftError):
                self._proofreading.refused.emit(str(found))
                return
            self.state.columns = found
            n = len(found[IDENTITY[0]])
            self._proofreading.told.emit(f"{n:,} objects are measured; the layer has their features.")

        self.state.is_measuring, self.state.is_old = True, False
        job = self._context.jobs.start("Measuring objects", task, lane="short", on_done=take)
        job.ended.connect(lambda: setattr(self.state, "is_measuring", False))

    def histogram(self, name: str) -> Histogram:
        """Return how often each value of a measurement occurs; values that are no number are left out."""
        values = np.asarray(self.state.columns[name], np.float64)
        values = values[np.isfinite(values)]
        n_bars = int(np.clip(np.sqrt(values.size), _FEWEST_BARS, _MOST_BARS))
        counts, edges = np.histogram(values, n_bars)
        return Histogram(edges, counts.astype(np.int64))

    def points(self, first: str, second: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the ids of the objects that have both measurements as numbers, and the two of each."""
        columns = self.state.columns
        x, y = (np.asarray(columns[name], np.float64) for name in (first, second))
        known = np.isfinite(x) & np.isfinite(y)
        return columns[IDENTITY[0]][known], x[known], y[known]

    def choose(self, object_id: int) -> None:
        """Ask to bring an object into view, where it is still there."""
        objects = self._proofreading.objects
        if objects is None or object_id not in objects.ids():
            self._proofreading.refused.emit(f"object {object_id} is not there any more: measure again")
            return
        self.chosen.emit(object_id)

    def _note_change(self) -> None:
        self.state.is_old = bool(self.state.columns) or self.state.is_measuring

    def _forget(self) -> None:
        self.state.columns, self.state.is_old = {}, False


def _task_of(project: Project, opened: OpenResult, report: Report, cancel: CancelToken) -> ExportTask:
    """Return the objects as they are now, with the image where they cover all of it."""
    from napari_graft.session.exporting.task import ExportTask

    found = replace(open_labels(opened.choice.file), axes=project.manifest.spatial_axes)
    labels = replace(found, data=opened.objects.labels.copy())
    image = project.volume if labels.shape == project.manifest.shape else None
    return ExportTask(found=labels, image=image, report=report, cancel=cancel)
