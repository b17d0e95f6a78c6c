"""A part of a tab that is folded away until somebody wants it."""

from __future__ import annotations

from qtpy.QtGui import QIcon
from superqt import QCollapsible

_FOLDED, _OPEN = "▸", "▾"


class Folding(QCollapsible):
    """Fold widgets away under a title, whose triangle has the colour of the text in every theme."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        # The library's own triangles are pictures in one colour: black on a dark theme.
        self.setCollapsedIcon(QIcon())
        self.setExpandedIcon(QIcon())
        self.toggled.connect(self._show_title)
        self._show_title(False)

    def _show_title(self, is_open: bool) -> None:
        self.setText(f"{_OPEN if is_open else _FOLDED} {self._title}")
