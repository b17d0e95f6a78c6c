"""The dialog in which a result is exported: in which format, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QWidget

from napari_graft._qt.widgets.basics import column
from napari_graft._qt.widgets.job_form import JobForm
from napari_graft.jobs.registry import JOBS
from napari_graft.project.project import Project
from napari_graft.session.exporting.formats import EXPORT_FORMATS
from napari_graft.workbench.context import Context
from napari_graft.workbench.plugin_jobs import JobModel
from napari_graft.workbench.proofread.open_result import ResultChoice

_FIRST = "csv"
_LEAST_WIDTH = 420


class ExportDialog(QDialog):
    """Dialog that exports a result of a project, with what was corrected of it.

    Parameters
    ----------
    parent
        What it belongs to.
    context
        What the window shares.
    project
        The project that is open.
    result
        Which of its results; it stands beside the image where nothing else is said.
    """

    def __init__(self, parent: QWidget, context: Context, project: Project, result: ResultChoice) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(_LEAST_WIDTH)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        name = f"{result.file.stem}{EXPORT_FORMATS[_FIRST].endings[0]}"
        start = {
            "to": _FIRST,
            "out": str(Path(project.image.path).with_name(name)),
            "segmentation": str(project.folder),
            "run": result.run if result.run in {run.id for run in project.runs.all()} else None,
        }
        choices = {"to": tuple(EXPORT_FORMATS)}
        model = JobModel(context, JOBS["export"])
        self.job = JobForm(model, ("to", "out"), choices, start)
        self._fields = cast(Any, self.job.form)  # by name alone, which no type tells
        self._fields.to.changed.connect(self._on_format_changed)
        self.setLayout(column(self.job, margin=6))

    def _on_format_changed(self, to: str) -> None:
        """Let the name of the file end as the format wants it."""
        out = self._fields.out
        if out.value:
            out.value = str(Path(out.value).with_suffix(EXPORT_FORMATS[to].endings[0]))
