"""The ways of merging, and what each does in words."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QWidget

from napari_graft._qt.widgets.basics import text
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft.merging.methods import METHODS
from napari_graft.workbench.request_options import RequestOptions


class MergeOptions(MoreOptions):
    """Fold with the ways of merging; the one that is chosen is taken by the button *Merge*.

    Parameters
    ----------
    options
        What is set.
    """

    def __init__(self, options: RequestOptions[Any]) -> None:
        super().__init__(options, ("method",), "Ways of merging")
        self.choices = {"method": [(one.title, one.name) for one in METHODS]}

    def show_only(self, *widgets: QWidget) -> None:
        """Show the form, and below it what each way does."""
        super().show_only(*widgets, *(text(f"{one.title}: {one.words}", "faint") for one in METHODS))
