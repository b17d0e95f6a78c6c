"""The offer to prepare the chosen source on the user's images while these are painted."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_graft._qt.sources.words import preparation_button, preparation_words
from napari_graft._qt.widgets.basics import button, column, flow, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft._qt.widgets.option_form import MoreOptions, bind_field, option_form
from napari_graft.jobs.builtin.pretrain import PretrainRequest
from napari_graft.pretraining.record import OBJECTIVE_NAMES
from napari_graft.workbench.sources.preparation_model import PreparationModel


class PreparationBox(QWidget):
    """Widget that offers to prepare the chosen source; hidden while none is chosen.

    Parameters
    ----------
    model
        What is shown.
    """

    def __init__(self, model: PreparationModel) -> None:
        super().__init__()
        self._model = model
        self.words = text("", "faint")
        self.form = option_form(
            PretrainRequest, ("seconds",), start={"seconds": 60 * model.state.minutes}, is_labelled=False
        )
        self.minutes: Any = self.form["seconds"]
        self.go = button("", self._on_clicked, tip="It learns from the image alone; you can go on painting")
        names = ("objective", "replay", "images", "steps", "device", "seed")
        self.more = MoreOptions(model.options, names, "Options of the preparation", start={"seed": None})
        self.more.choices = {"objective": OBJECTIVE_NAMES}
        self.refusal = text("", "error")
        row = flow(self.form.native, self.go)
        self.setLayout(column(self.words, row, self.more, self.refusal, spacing=4))
        self._connect()

    def _connect(self) -> None:
        state = self._model.state
        self.refusal.hide()
        bind_field(self, self.minutes, state, "minutes")
        for field in ("source", "title", "is_preparing", "is_cut_off", "last"):
            bind(self, state, field, lambda _: self._show())
        listen(self, self._model.refused, self._show_refusal)
        listen(self, self._model.options.refused, self._show_refusal)

    def _on_clicked(self) -> None:
        self.refusal.hide()
        if self._model.state.is_preparing:
            self._model.stop()
        else:
            self._model.start()

    def _show(self) -> None:
        state = self._model.state
        self.setVisible(state.source is not None)
        self.words.setText(preparation_words(state))
        self.go.setText(preparation_button(state))

    def _show_refusal(self, message: str) -> None:
        self.refusal.setText(message)
        self.refusal.setVisible(bool(message))
