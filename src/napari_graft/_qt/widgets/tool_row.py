"""The row of object tools, of which one at most is in hand, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtWidgets import QButtonGroup, QPushButton, QWidget

from napari_graft._qt.widgets.basics import button, column, flow, text
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.workbench.proofread.click_tools import ClickTools, ToolName

TOOLS: dict[ToolName, str] = {
    "merge": "Merge",
    "split": "Split",
    "new": "New",
    "delete": "Delete",
    "fill": "Fill holes",
    "smooth": "Smooth",
    "between": "Fill z",
    "onwards": "Next slice",
    "lock": "Lock",
}
_HINTS: dict[ToolName, tuple[str, str]] = {
    "merge": (
        "Click an object, or drag from one into another.",
        "Now click the object to merge with it.",
    ),
    "split": (
        "Click in one part of an object.",
        "Click in each other part, then press Enter or the right mouse button.",
    ),
    "new": ("Click where an object is missing.", "Enter makes it; the wheel or + and − change its size."),
    "delete": ("Click the object to delete.", ""),
    "fill": ("Click the object whose holes are to be filled.", ""),
    "smooth": ("Click the object whose outline is to be smoothed.", ""),
    "between": ("Click an object that is missing on some slices between others.", ""),
    "onwards": ("Click an object to carry it on to the next slice.", ""),
    "lock": ("Click an object to lock it, or to unlock it.", ""),
}
"""What to do with a tool: to begin with, and once there was a click."""


class ToolRow(QWidget):
    """Widget with the object tools, of which one at most is in hand.

    Parameters
    ----------
    tools
        What the buttons choose from.
    offered
        Key and tooltip of each tool that has a button.
    """

    def __init__(self, tools: ClickTools, offered: Mapping[ToolName, tuple[str, str]]) -> None:
        super().__init__()
        self._tools = tools
        self.buttons: dict[ToolName, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)  # a click on the one that is up puts it down
        for tool, (key, tip) in offered.items():
            made = button(f"{TOOLS[tool]}  {key}", partial(self._on_clicked, tool), tip=tip)
            made.setCheckable(True)
            self._group.addButton(made)
            self.buttons[tool] = made
        self.hint = text("", "faint")
        self.setLayout(column(flow(*self.buttons.values()), self.hint, spacing=4))
        bind(self, self._tools.state, "tool", self._show)
        for field in ("points", "level", "n_levels", "is_waiting"):
            listen(self, getattr(self._tools.state.events, field), self._show_hint)

    def _on_clicked(self, tool: ToolName) -> None:
        self._tools.choose(None if self._tools.state.tool == tool else tool)
        self._show(self._tools.state.tool)

    def _show(self, tool: ToolName | None) -> None:
        for name, made in self.buttons.items():
            made.setChecked(name == tool)
        self._show_hint()

    def _show_hint(self) -> None:
        state = self._tools.state
        first, then = ("Choose a tool, or press its key.", "") if state.tool is None else _HINTS[state.tool]
        words = then if state.points and then else first
        if state.is_waiting:
            words = "The model looks at this place…"
        elif state.n_levels:
            words = f"Size {state.level + 1} of {state.n_levels}. {words}"
        self.hint.setText(words)
