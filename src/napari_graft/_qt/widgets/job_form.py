"""A form for any job: its options as magicgui widgets, a button to begin, one to stop, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtWidgets import QGroupBox, QProgressBar, QPushButton

from napari_graft._qt.widgets.basics import column, row, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.option_form import CHOICES, Choices, option_form, typed_values
from napari_graft.workbench.plugin_jobs import JobModel


class JobForm(QGroupBox):
    """Request for a job, and show how far it is.

    Parameters
    ----------
    model
        The job.
    names, choices, start
        Which fields are asked for, what can be chosen, and what stands there at first; see `option_form`. A
        field that is not asked for is what `start` says.
    """

    def __init__(
        self,
        model: JobModel[Any],
        names: Sequence[str] | None = None,
        choices: Choices = CHOICES,
        start: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(model.job.title)
        self._model = model
        self.form = option_form(model.job.request, names, choices, start)
        self.begin, self.stop = QPushButton("Start"), QPushButton("Stop")
        self.bar, self.words = QProgressBar(), text("")
        self.bar.setTextVisible(False)
        layout = column(self.form.native, self.bar, self.words, margin=6)
        layout.insertLayout(1, row(self.begin, self.stop, 1))
        self.setLayout(layout)
        known = {name: value for name, value in (start or {}).items() if names and name not in names}
        self.begin.clicked.connect(lambda: model.start(**known, **typed_values(self.form)))
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
