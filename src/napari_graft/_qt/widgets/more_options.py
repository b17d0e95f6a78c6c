"""A fold with the options of a job that a tab has no field for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from napari_graft._qt.widgets.basics import Folding, text
from napari_graft._qt.widgets.binding import listen
from napari_graft.workbench.request_options import RequestOptions

if TYPE_CHECKING:
    from magicgui.widgets import Container, Widget


class MoreOptions(Folding):
    """Fold with a form for some options of a job, made when it is first opened.

    Parameters
    ----------
    options
        What is set.
    names
        Fields of the request.
    title
        What stands on the fold.
    left
        Fields that the window decides unless something is typed.

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
        left: Collection[str] = (),
    ) -> None:
        super().__init__(title)
        self.setDuration(0)  # it would grow to the height that it had before the form was made
        self._options, self.names, self._left = options, tuple(names), left
        self.choices: Mapping[str, Sequence[str]] = {}
        self.form: Container[Widget] | None = None
        self.refusal = text("", "error")
        self.toggled.connect(self._on_toggled)
        listen(self, options.refused, self._show_refusal)

    def _on_toggled(self, is_open: bool) -> None:
        if not is_open or self.form is not None:
            return
        # magicgui takes long to load
        from napari_graft._qt.widgets.option_form import CHOICES, bind_options, option_form

        self.form = option_form(self._options.type, self.names, {**CHOICES, **self.choices}, self._left)
        for widget in self.form:
            widget.changed.connect(self._hide_refusal)  # type: ignore[attr-defined]  # each has a value
        bind_options(self.form, self._options)
        self.show_only(self.form.native, self.refusal)
        self.refusal.hide()

    def _hide_refusal(self) -> None:
        self._show_refusal("")

    def _show_refusal(self, words: str) -> None:
        self.refusal.setText(words)
        self.refusal.setVisible(bool(words))
        if self.isExpanded():
            self.expand(animate=False)
