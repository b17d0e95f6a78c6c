"""A form for any job: its options as magicgui widgets, a button to begin, one to stop, and how far it is."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container, Widget, create_widget
from qtpy.QtWidgets import QGroupBox, QProgressBar, QPushButton

from napari_graft._qt.widgets.basics import column, row, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.jobs.base import FILLED_IN, Job
from napari_graft.workbench.job_model import JobModel


def request_form(job: Job[Any]) -> Container[Widget]:
    """Return widgets for the fields of a job's request, with their defaults."""
    widgets = []
    for name, field in job.request.model_fields.items():
        if name in FILLED_IN:
            continue
        start = {} if field.is_required() else {"value": field.get_default(call_default_factory=True)}
        widgets.append(
            create_widget(annotation=field.annotation, name=name, label=name.replace("_", " "), **start)
        )
    return Container(widgets=widgets, labels=True)


class JobForm(QGroupBox):
    """Request for a job, and show how far it is.

    Parameters
    ----------
    model
        The job.
    """

    def __init__(self, model: JobModel[Any]) -> None:
        super().__init__(model.job.title)
        self._model = model
        self.form = request_form(model.job)
        self.begin, self.stop = QPushButton("Start"), QPushButton("Stop")
        self.bar, self.words = QProgressBar(), text("")
        self.bar.setTextVisible(False)
        layout = column(self.form.native, self.bar, self.words, margin=6)
        layout.insertLayout(1, row(self.begin, self.stop, 1))
        self.setLayout(layout)
        self.begin.clicked.connect(lambda: model.start(**self.form.asdict()))
        self.stop.clicked.connect(model.cancel)
        bind(self, model.state, "is_running", self._show_running)
        bind(self, model.state, "fraction", self._show_fraction)
        bind(self, model.state, "message", self._tell)
        listen(self, model.refused, self._tell)

    def _tell(self, words: str) -> None:
        self.words.setText(words)

    def _show_running(self, is_running: bool) -> None:
        self.begin.setEnabled(not is_running)
        self.stop.setVisible(is_running)
        self.bar.setVisible(is_running)

    def _show_fraction(self, fraction: float | None) -> None:
        self.bar.setRange(0, 0 if fraction is None else 100)
        self.bar.setValue(round(100 * (fraction or 0)))
