"""Options that a tab has no field of its own for: a form with what is refused of it, and a fold around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_graft._qt.widgets.basics import Folding, column, text
from napari_graft._qt.widgets.binding import listen
from napari_graft._qt.widgets.option_form import CHOICES, Choices, bind_options, option_form
from napari_graft.workbench.request_options import RequestOptions


class OptionBox(QWidget):
    """Form that sets options, and says which of them cannot be asked for.

    Parameters
    ----------
    options
        What is set.
    names, choices, start
        See `option_form`.
    """

    grown = Signal()
    """It takes more room, or less."""

    def __init__(
        self,
        options: RequestOptions[Any],
        names: Sequence[str],
        choices: Choices = CHOICES,
        start: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__()
        self.form = option_form(options.type, names, choices, start)
        self.refusal = text("", "error")
        self.refusal.hide()
        self.setLayout(column(self.form.native, self.refusal))
        for widget in self.form:
            widget.changed.connect(self._hide_refusal)  # type: ignore[attr-defined]  # each has a value
        bind_options(self.form, options)
        listen(self, options.refused, self._show_refusal)

    def _hide_refusal(self) -> None:
        self._show_refusal("")

    def _show_refusal(self, words: str) -> None:
        self.refusal.setText(words)
        self.refusal.setVisible(bool(words))
        self.grown.emit()


class MoreOptions(Folding):
    """Fold with some options of a job, made when it is first opened.

    Parameters
    ----------
    options
        What is set.
    names
        Fields of the request.
    title
        What stands on the fold.
    start
        What stands in them at first, see `option_form`.

    Attributes
    ----------
    choices
        By the name of a field what can be chosen for it, beside the usual ones; to be set before the fold is
        opened.
    """

    def __init__(
        self,
        options: RequestOptions[Any],
        names: Sequence[str],
        title: str = "More options",
        start: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(title)
        self.setDuration(0)  # it would grow to the height that it had before the form was made
        self._options, self.names, self._start = options, tuple(names), start
        self.choices: Choices = {}
        self.box: OptionBox | None = None
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, is_open: bool) -> None:
        if is_open and self.box is None:
            self.box = OptionBox(self._options, self.names, {**CHOICES, **self.choices}, self._start)
            self.box.grown.connect(self.fit)
            self.show_only(self.box)
