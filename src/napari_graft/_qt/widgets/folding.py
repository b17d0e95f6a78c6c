"""A part of a tab that is folded away until somebody wants it."""

from __future__ import annotations

from qtpy.QtCore import QSize
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_graft._qt.widgets.basics import column

_FOLDED, _OPEN = "▸", "▾"


class _Content(QWidget):
    """Content of a folding widget, as high as its words are when they wrap at the width there is.

    The library shows as much as the content asks for, and words in a narrow dock would be cut off.
    """

    def sizeHint(self) -> QSize:  # noqa: N802 - the name is Qt's
        """Return the size that is asked for."""
        hint, layout = super().sizeHint(), self.layout()
        if layout is not None and layout.hasHeightForWidth():
            hint.setHeight(layout.totalHeightForWidth(self.width()))
        return hint


class Folding(QCollapsible):
    """Widget that folds others away under a title with a triangle in the colour of the text."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        content = _Content()
        content.setLayout(column())
        content.setMaximumHeight(0)
        self.content().deleteLater()
        self.setContent(content)
        # The library's own triangles are pictures in one colour: black on a dark theme.
        self.setCollapsedIcon(QIcon())
        self.setExpandedIcon(QIcon())
        self.toggled.connect(self._show_title)
        self._show_title(False)

    def show_only(self, *widgets: QWidget) -> None:
        """Show these widgets in place of those before."""
        layout = self.content().layout()
        assert layout is not None
        while (item := layout.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for widget in widgets:
            layout.addWidget(widget)
            widget.show()  # else it counts as hidden, and takes no room, until Qt has the time
        if self.isExpanded():
            self.expand(animate=False)

    def _show_title(self, is_open: bool) -> None:
        self.setText(f"{_OPEN if is_open else _FOLDED} {self._title}")
