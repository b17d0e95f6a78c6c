"""The part of the tab in which a result is proofread: which one, the tools, undo and redo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QWidget

from napari_graft._napari.keys import proofread_key_of, proofread_tip
from napari_graft._qt.proofread.canvas import ProofreadCanvas, proofread_canvas_of
from napari_graft._qt.proofread.review_box import ReviewBox
from napari_graft._qt.widgets.basics import Look, button, column, flow, in_words, row, set_look, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft._qt.widgets.tool_row import TOOLS, ToolRow
from napari_graft.workbench.proofread.click_tools import ToolName
from napari_graft.workbench.proofread.open_result import OpenResult, ResultChoice
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

    from napari_graft._qt.proofread.measure_box import MeasureBox

_IN_STACKS: tuple[ToolName, ...] = ("between", "onwards")
"""Tools that a 2-D image has no use for."""


class EditPanel(QWidget):
    """Widget with the tools, undo and redo, and how much was done.

    Parameters
    ----------
    workbench
        Whose result is corrected.
    canvas
        Where it is shown.
    """

    def __init__(self, workbench: Workbench, canvas: ProofreadCanvas) -> None:
        super().__init__()
        self._context = workbench.context
        self._model = workbench.proofreading
        tools = workbench.click_tools
        self.carry = button("", workbench.carrying.take, look="primary")
        self.carry.setToolTip(
            "Locked and corrected objects of the earlier result stay as they are; "
            "what they collide with is listed"
        )
        self.tools = ToolRow(tools, {name: (proofread_key_of(name), proofread_tip(name)) for name in TOOLS})
        self.undo = button("Undo", tools.undo, tip=proofread_tip("undo"))
        self.redo = button("Redo", tools.redo, tip=proofread_tip("redo"))
        self.done = text("", "faint")
        self.take_checked = button(
            "Train on what I checked",
            workbench.proofread_tiles.take_checked,
            tip="Makes annotated tiles around the objects that you corrected, accepted or locked; what you "
            "did not look at stays unlabelled and does not count",
        )
        self.take_view = button(
            "Train on this view",
            canvas.take_view,
            tip="Makes an annotated tile in the middle of the view: every object in it is right as it is now",
        )
        self.export = button("Export…", self._on_export_clicked, tip="Write objects for other programs")
        self.close_result = button("Close", self._model.close, tip="All edits are kept")
        steps = flow(self.undo, self.redo, self.take_checked, self.take_view, self.export, self.close_result)
        self.setLayout(column(self.carry, self.tools, steps, self.done))
        bind(self, workbench.carrying.state, "source", self._show_source)
        bind(self, self._model.state, "opened", self._show_tools)
        for field in ("seconds", "undo_tool", "redo_tool", "n_edits", "locked"):
            listen(self, getattr(self._model.state.events, field), self._show)
        self._show()

    def _show_source(self, source: ResultChoice | None) -> None:
        self.carry.setVisible(source is not None)
        if source is not None:
            self.carry.setText(f"Bring over what you corrected in {source.title}")

    def _show_tools(self, opened: OpenResult | None) -> None:
        is_stack = opened is not None and opened.objects.labels.ndim == 3
        for name in _IN_STACKS:
            self.tools.buttons[name].setVisible(is_stack)

    def _on_export_clicked(self) -> None:
        from napari_graft._qt.proofread.export_dialog import ExportDialog  # magicgui takes long to load

        project, opened = self._context.project, self._model.state.opened
        if project is not None and opened is not None:
            ExportDialog(self, self._context, project, opened.choice).open()

    def _show(self) -> None:
        state = self._model.state
        for made, words, tool in (
            (self.undo, "Undo", state.undo_tool),
            (self.redo, "Redo", state.redo_tool),
        ):
            made.setEnabled(tool is not None)
            made.setText(words if tool is None else f"{words} {tool}")
        n, n_locked = state.n_edits, len(state.locked)
        parts = [f"{n:,} edit{'' if n == 1 else 's'}"]
        parts += [f"{n_locked:,} locked"] if n_locked else []
        parts += [f"{in_words(state.seconds)} since it was opened"] if state.seconds >= 1 else []
        self.done.setText(" · ".join(parts))


class ProofreadBox(QWidget):
    """Widget in which a result is opened and corrected.

    Parameters
    ----------
    workbench, viewer
        What is shown, and where the layers are.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._workbench = workbench
        self._model = workbench.proofreading
        self.canvas = proofread_canvas_of(workbench, viewer)
        self.edits: EditPanel | None = None
        self.review: ReviewBox | None = None
        self.measurements: MeasureBox | None = None
        self._viewer = viewer
        self._make_widgets()
        self._connect()

    def _make_widgets(self) -> None:
        self.hint = text("", "faint")
        self.choices = QComboBox()
        self.choices.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choices.setMinimumContentsLength(6)
        self.choices.setToolTip("The result to correct; the file itself stays as it is")
        self.open = button("Proofread", self._on_open_clicked, look="primary")
        self.message = text()
        self.anew = button(
            "Put the edits aside, and begin anew",
            self._on_anew_clicked,
            tip="The files of the edits are renamed; nothing is removed",
        )
        self.line = QWidget()
        choosing = row(self.choices, self.open)
        choosing.setStretch(0, 1)
        self.line.setLayout(choosing)
        self._layout = column(
            text("Correct a result", "title"), self.hint, self.line, self.message, self.anew
        )
        self.setLayout(self._layout)

    def _connect(self) -> None:
        state, model = self._model.state, self._model
        self.choices.activated.connect(lambda _: model.choose(state.choices[self.choices.currentIndex()]))
        for field in ("choices", "chosen", "opened", "is_opening", "has_unfit_edits"):
            listen(self, getattr(state.events, field), self._show)
        listen(self, model.refused, lambda words: self._say(words, "error"))
        listen(self, model.told, lambda words: self._say(words, "good"))
        listen(self, state.events.opened, self._on_opened)
        listen(self, self._workbench.context.project_changed, self._on_project_changed)
        self._on_project_changed()

    def _on_open_clicked(self) -> None:
        self._say("", "")
        self._model.open()

    def _on_anew_clicked(self) -> None:
        self._say("", "")
        self._model.open(begins_anew=True)

    def _on_opened(self, opened: OpenResult | None) -> None:
        if opened is not None:
            n = len(opened.objects.ids())
            self._say(f"{n:,} objects. Every edit is stored at once; the file stays as it is.", "good")

    def _on_project_changed(self) -> None:
        self._say("", "")
        self._show()

    def _show(self) -> None:
        state, has_project = self._model.state, self._workbench.context.project is not None
        self.hint.setText(_hint(has_project, bool(state.choices), state.is_opening))
        self.hint.setVisible(bool(self.hint.text()))
        with silenced(self.choices):
            self.choices.clear()
            for choice in state.choices:
                self.choices.addItem(choice.title)
            if state.chosen in state.choices:
                self.choices.setCurrentIndex(state.choices.index(state.chosen))
        self.line.setVisible(bool(state.choices))
        is_open = state.opened is not None and state.opened.choice == state.chosen
        self.open.setEnabled(not state.is_opening and not is_open)
        self.anew.setVisible(state.has_unfit_edits)
        if state.opened is not None and self.edits is None:
            self._make_panels()
        for panel in (self.edits, self.review, self.measurements):
            if panel is not None:
                panel.setVisible(state.opened is not None)

    def _make_panels(self) -> None:
        """Make what corrects a result, once there is one: a window that opens is not to wait for it."""
        from napari_graft._qt.proofread.measure_box import MeasureBox

        self.edits, self.review = EditPanel(self._workbench, self.canvas), ReviewBox(self._workbench)
        self._layout.insertWidget(self._layout.indexOf(self.message), self.edits)
        self.measurements = MeasureBox(self._workbench, self._viewer)
        self._layout.addWidget(self.review)
        self._layout.addWidget(self.measurements)

    def _say(self, words: str, look: Look) -> None:
        self.message.setText(words)
        set_look(self.message, look)
        self.message.setVisible(bool(words))


def _hint(has_project: bool, has_results: bool, is_opening: bool) -> str:
    if not has_project:
        return "Start a project in the tab Data. Then its results can be corrected here."
    if not has_results:
        return "There is no result yet: train, or segment the whole image in the tab Train."
    return "Reading the objects…" if is_opening else ""
