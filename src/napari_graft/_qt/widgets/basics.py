"""Labels, buttons and parts to fold away in the looks of the dock, and time in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible, QFlowLayout

Look = Literal[
    "next",
    "faint",
    "title",
    "warning",
    "error",
    "good",
    "key",
    "primary",
    "quiet",
    "link",
    "card",
    "chip",
    "current",
    "",
]


def set_look(widget: QWidget, look: Look) -> None:
    """Give a widget one of the looks of the style sheet."""
    widget.setProperty("look", look)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def text(words: str = "", look: Look = "") -> QLabel:
    """Make a label that wraps."""
    label = QLabel(words)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setProperty("look", look)
    return label


def button(words: str, on_click: Callable[[], None], *, look: Look = "quiet", tip: str = "") -> QPushButton:
    """Make a button."""
    made = QPushButton(words)
    made.setProperty("look", look)
    made.setToolTip(tip)
    made.clicked.connect(lambda _: on_click())
    return made


def column(*widgets: QWidget, margin: int = 0, spacing: int = 6) -> QVBoxLayout:
    """Put widgets below each other."""
    layout = QVBoxLayout()
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    for widget in widgets:
        layout.addWidget(widget)
    return layout


def row(*widgets: QWidget | int, spacing: int = 6) -> QHBoxLayout:
    """Put widgets beside each other; a number is a stretch of that weight."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for widget in widgets:
        if isinstance(widget, int):
            layout.addStretch(widget)
        else:
            layout.addWidget(widget)
    return layout


def flow(*widgets: QWidget) -> QWidget:
    """Put widgets beside each other, and below each other where there is no room."""
    area = QWidget()
    layout = QFlowLayout(area)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return area


def clear(grid: QGridLayout) -> None:
    """Take all widgets out of a grid, at once for whoever looks."""
    while grid.count():
        old = grid.takeAt(0).widget()
        old.hide()
        old.deleteLater()


def card(*widgets: QWidget) -> QFrame:
    """Put widgets below each other on a surface of their own."""
    frame = QFrame()
    frame.setProperty("look", "card")
    frame.setLayout(column(*widgets, margin=8, spacing=4))
    return frame


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
        self.fit()

    def fit(self) -> None:
        """Be as high as what is in it, where it is open."""
        if self.isExpanded():
            self.expand(animate=False)

    def _show_title(self, is_open: bool) -> None:
        self.setText(f"{_OPEN if is_open else _FOLDED} {self._title}")


def in_words(seconds: float) -> str:
    """Return a duration as a person says it.

    >>> in_words(4.2), in_words(95), in_words(4000)
    ('4 s', '1 min 35 s', '1 h 6 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
