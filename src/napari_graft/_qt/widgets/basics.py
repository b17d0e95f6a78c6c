"""Labels and buttons in the looks of the dock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from qtpy.QtCore import Qt
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
from superqt import QFlowLayout

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
