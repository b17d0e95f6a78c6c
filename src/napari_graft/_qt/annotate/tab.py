"""The tab Annotate: how many tiles, which ones, and what becomes of the one that is painted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QFileDialog, QProgressBar, QPushButton, QRadioButton, QSpinBox, QWidget

from napari_graft._napari.keys import (
    KEYS,
    NAPARI_KEYS,
    TILE_TOOL_KEYS,
    Action,
    key_of,
    tile_tool_key_of,
    tile_tool_tip,
)
from napari_graft._qt.annotate.tile_list import TileListView
from napari_graft._qt.canvas.annotate_canvas import canvas_of
from napari_graft._qt.widgets.basics import Folding, button, card, column, flow, row, set_look, text
from napari_graft._qt.widgets.binding import bind, listen, silenced
from napari_graft._qt.widgets.option_form import MoreOptions
from napari_graft._qt.widgets.tool_row import ToolRow
from napari_graft.workbench.annotate.tile_list import AT_ONCE, AnnotatingState
from napari_graft.workbench.annotate.tile_tools import TileTools
from napari_graft.workbench.proofread.click_tools import ToolName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


_OBJECT_TOOLS: dict[ToolName, tuple[str, str]] = {
    key.action: (tile_tool_key_of(key.action), tile_tool_tip(key.action)) for key in TILE_TOOL_KEYS
}
COLOURS = "Filled: what is painted; blue is background. Outlined: the guess."
"""What the colours on the canvas mean."""


def painted_words(state: AnnotatingState) -> str:
    """Return how many tiles are painted, before the field with the number that is meant to be."""
    return f"Tiles painted: {state.queue.n_done} of"


def suggest_words(state: AnnotatingState, *, has_project: bool) -> tuple[str, str]:
    """Return what the button that suggests tiles says, and its tooltip."""
    n = state.n_to_suggest
    if state.is_suggesting:
        return "Suggesting…", "Looking for the tiles that are most worth painting"
    if has_project and n == 0:
        return "All tiles are suggested", "Raise the number of tiles above to have more suggested"
    tip = (
        "Find the tiles that are most worth painting: where the model is unsure, or has seen nothing like it"
    )
    more = " more" if state.queue.tiles else ""
    tiles = "tile" if n == 1 else "tiles"
    return (f"Suggest {n or AT_ONCE}{more}" if more else f"Suggest {n or AT_ONCE} {tiles}"), tip


def empty_words(*, has_project: bool) -> str:
    """Return what the list says while it is empty."""
    if not has_project:
        return "No project is open yet: start one in the tab Data."
    return "No tiles yet. Few tiles are enough, if they are the right ones: let them be suggested."


def forgotten_words(n: int) -> str:
    """Return the question about unlabelled pixels."""
    pixels = "1 pixel is" if n == 1 else f"{n:,} pixels are"
    return f"{pixels} not labelled yet. Paint on, or count them as background."


class ImportedLabels(QWidget):
    """Widget to choose a label image.

    Parameters
    ----------
    tools
        Takes it.
    """

    def __init__(self, tools: TileTools) -> None:
        super().__init__()
        self._tools = tools
        self._path: Path | None = None
        self.choose = button(
            "Import labels…",
            self._on_choose_clicked,
            tip="Take the labels of the tiles to do from a label image of the size of the image:\n"
            "0 background, 1… objects. Tiles on which you have painted stay as they are.",
        )
        self.question = text("", "warning")
        self.one = button("It is one object", lambda: self._on_answered(is_one=True))
        self.pieces = button("Each piece is an object", lambda: self._on_answered(is_one=False))
        self.asked = card(self.question, flow(self.one, self.pieces))
        self.asked.hide()
        self.setLayout(column(self.choose, self.asked))
        listen(self, tools.mask_asked, self._ask)

    def _on_choose_clicked(self) -> None:
        self.asked.hide()
        name, _ = QFileDialog.getOpenFileName(self, "Label image of the size of the image")
        if name:
            self._tools.import_labels(Path(name))

    def _ask(self, path: Path) -> None:
        self._path = path
        self.question.setText(f"“{path.name}” is a mask of several pieces. What is an object?")
        self.asked.show()

    def _on_answered(self, *, is_one: bool) -> None:
        self.asked.hide()
        if self._path is not None:
            self._tools.import_labels(self._path, "object" if is_one else "pieces")


_WORDS: dict[Action, str] = {key.action: key.words for key in KEYS}


class AnnotateTab(QWidget):
    """Tab that shows and drives the model of annotation.

    Parameters
    ----------
    workbench, viewer
        What the tab shows, and where the tiles are painted.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__()
        self._context = workbench.context
        self._model = workbench.annotating
        self._next_round = workbench.next_round
        self._tools = workbench.tile_tools
        self.canvas = canvas_of(workbench, viewer)
        self.objects = ToolRow(workbench.tile_click_tools, _OBJECT_TOOLS)
        self._make_widgets()
        self._lay_out()
        self._connect()

    def _make_widgets(self) -> None:
        model = self._model
        self.painted = text("", "title")
        self.painted.setWordWrap(False)
        self.budget = QSpinBox()
        self.budget.setRange(1, 500)
        self.budget.setToolTip("How many tiles you mean to paint in all")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.suggest = button("Suggest tiles", model.suggest)
        self.go_on = button("", self._next_round.go, tip="Everything between two paintings, by itself")
        set_look(self.go_on, "primary")
        self.reason_to_stop = text("", "warning")
        self.more = MoreOptions(model.options, ("strategy", "patterns", "device", "seed"))
        self.empty = text("", "faint")
        self.list = TileListView()
        self.previous = _key_button("Previous", "previous", model.previous)
        self.next = _key_button("Next", "next", model.next)
        self.done = _key_button("Done", "done", model.accept)
        self.skip = _key_button("Skip", "skip", model.skip)
        self.unsure = _key_button("Unsure", "unsure", model.mark_unsure)
        self.bad = _key_button("Bad image", "bad image", model.mark_bad)
        self.new_object = _key_button("New object", "new object", self.canvas.layers.take_new_label)
        self.background = _key_button("Background", "background", self.canvas.layers.take_background)
        self.forgotten = text("", "warning")
        self.fill = button("Count them as background", model.accept, tip="Or press D once more")
        self.message = text("", "good")
        self.message.hide()
        self._make_whole_tile_tools(self._tools)
        self._make_views()

    def _make_whole_tile_tools(self, tools: TileTools) -> None:
        self.clear = _key_button("Clear tile", "clear", tools.clear)
        self.refill = _key_button("Refill from guess", "refill", tools.refill)
        self.withdraw = _key_button("Remove from done", "withdraw", tools.withdraw)
        self.take_back = button("Take back", tools.take_back, tip="Undo Clear tile or Refill from guess")
        self.paint_here = _key_button("Paint here", "paint here", self.canvas.paint_here)
        self.labels = ImportedLabels(tools)

    def _make_views(self) -> None:
        self.guess = _key_check("Guess", "guess")
        self.uncertainty = _key_check("How unsure", "uncertainty")
        self.candidates = QCheckBox("Where to paint")
        self.candidates.setToolTip(
            "Colour the tiles among which was chosen by how unsure the model is of them"
        )
        self.colours = text(COLOURS, "faint")
        self.whole = QRadioButton("Whole tile")
        self.whole.setToolTip("Every pixel gets a label; you correct the guess of the model")
        self.strokes = QRadioButton("Strokes")
        self.strokes.setToolTip("A few strokes; the pixels between them stay unlabelled and do not count")

    def _lay_out(self) -> None:
        self.question = card(self.forgotten, self.fill)
        self.keys = Folding("? All keys")
        self.keys.addWidget(text("\n".join(f"{key.key}   {key.words}" for key in KEYS)))
        self.keys.addWidget(text("napari's own", "title"))
        self.keys.addWidget(text("\n".join(f"{key}   {words}" for key, words in NAPARI_KEYS)))
        layout = column(spacing=6, margin=6)
        layout.addLayout(row(self.painted, self.budget, 1))
        layout.addWidget(self.progress)
        for widget in (self.go_on, self.reason_to_stop, self.suggest, self.more, self.paint_here):
            layout.addWidget(widget)
        for widget in (self.labels, self.empty):
            layout.addWidget(widget)
        layout.addWidget(self.list)
        self.tools = QWidget()
        tools = column(spacing=4)
        tools.addLayout(row(self.previous, self.next, spacing=4))
        tools.addLayout(row(self.done, self.skip, spacing=4))
        tools.addLayout(row(self.unsure, self.bad, spacing=4))
        tools.addLayout(row(self.new_object, self.background, spacing=4))
        tools.addWidget(self.objects)
        tools.addWidget(flow(self.clear, self.refill, self.withdraw, self.take_back))
        tools.addWidget(self.question)
        tools.addWidget(self.message)
        tools.addWidget(flow(self.guess, self.uncertainty, self.candidates))
        tools.addWidget(self.colours)
        tools.addLayout(row(self.whole, self.strokes, 1))
        tools.addWidget(self.keys)
        self.tools.setLayout(tools)
        layout.addWidget(self.tools)
        layout.addStretch(1)
        self.setLayout(layout)

    def _connect(self) -> None:
        model, state = self._model, self._model.state
        self.budget.valueChanged.connect(lambda value: setattr(state, "budget", value))
        self.list.chosen.connect(self.canvas.go_back_to)
        self.guess.clicked.connect(lambda is_on: setattr(state, "shows_guess", is_on))
        self.uncertainty.clicked.connect(lambda is_on: setattr(state, "shows_uncertainty", is_on))
        self.candidates.clicked.connect(lambda is_on: setattr(state, "shows_candidates", is_on))
        self.whole.clicked.connect(lambda _: self._on_mode_clicked(is_sparse=False))
        self.strokes.clicked.connect(lambda _: self._on_mode_clicked(is_sparse=True))
        for field in ("queue", "budget", "is_suggesting"):
            bind(self, state, field, lambda _: self._show_progress())
        for field in ("queue", "current"):
            bind(self, state, field, lambda _: self._show_tiles())
        for field in ("current", "is_saving", "painting", "queue"):
            bind(self, state, field, lambda _: self._show_tools())
        bind(self, state, "shows_guess", self._show_guess)
        bind(self, state, "shows_uncertainty", self._show_uncertainty)
        bind(self, state, "shows_candidates", self._show_candidates)
        bind(self, state, "can_take_back", self._show_take_back)
        bind(self, state, "is_sparse", self._show_mode)
        bind(self, state, "n_forgotten", self._show_question)
        bind(self, state, "strategies", self._show_strategies)
        bind(self, self._next_round.state, "action", self._show_action)
        bind(self, self._next_round.state, "reason_to_stop", self._show_reason_to_stop)
        listen(self, model.tiles.thumbnails_made, self._show_tiles)
        listen(self, model.refused, lambda words: self._show_message(words, is_good=False))
        listen(self, model.told, lambda words: self._show_message(words, is_good=True))
        listen(self, self._context.project_changed, self._on_project_changed)

    def _on_project_changed(self) -> None:
        self.message.clear()  # it was about a tile of the project before
        self.message.hide()
        self._show_progress()
        self._show_tiles()

    def _show_progress(self) -> None:
        state = self._model.state
        with silenced(self.budget):
            self.budget.setValue(state.budget)
        self.painted.setText(painted_words(state))
        self.progress.setRange(0, state.budget)
        self.progress.setValue(min(state.queue.n_done, state.budget))
        words, tip = suggest_words(state, has_project=self._context.project is not None)
        has_project = self._context.project is not None
        self.paint_here.setVisible(has_project)
        self.labels.setVisible(has_project)
        self.suggest.setText(words)
        self.suggest.setToolTip(tip)
        self.suggest.setEnabled(
            self._context.project is not None and state.n_to_suggest > 0 and not state.is_suggesting
        )
        is_next = not state.queue.n_to_do and not self._next_round.state.action
        set_look(self.suggest, "primary" if is_next else "quiet")

    def _show_action(self, words: str) -> None:
        self.go_on.setText(words)
        self.go_on.setVisible(bool(words))
        self._show_progress()

    def _show_reason_to_stop(self, words: str) -> None:
        self.reason_to_stop.setText(words)
        self.reason_to_stop.setVisible(bool(words))

    def _show_strategies(self, names: tuple[str, ...]) -> None:
        self.more.choices = {"strategy": names}
        self.more.setVisible(bool(names))

    def _show_tiles(self) -> None:
        state = self._model.state
        has_tiles = bool(state.queue.tiles)
        self.list.show_tiles(state.queue, state.current, self._model.tiles.thumbnails)
        self.list.setVisible(has_tiles)
        self.tools.setVisible(has_tiles)
        self.empty.setText(empty_words(has_project=self._context.project is not None))
        self.empty.setVisible(not has_tiles)
        set_look(self.next, "primary" if state.current is None and state.queue.n_to_do else "quiet")

    def _show_tools(self) -> None:
        state = self._model.state
        is_open = state.painting is not None and not state.is_saving
        for one in (self.done, self.skip, self.unsure, self.bad, self.new_object, self.background):
            one.setEnabled(is_open)
        self.objects.setEnabled(is_open)
        self.done.setText(f"Saving…  {key_of('done')}" if state.is_saving else f"Done  {key_of('done')}")
        set_look(self.done, "primary" if is_open else "quiet")
        has_guess = state.painting is not None and state.painting.guess is not None
        for one in (self.clear, self.refill):
            one.setEnabled(is_open)
        done = state.painting is not None and self._model.tiles.find(state.painting.tile).state == "done"
        self.withdraw.setEnabled(is_open and done)
        self.guess.setEnabled(has_guess)
        self.uncertainty.setEnabled(has_guess)
        self.message.setVisible(bool(self.message.text()) and not self.question.isVisibleTo(self.tools))

    def _on_mode_clicked(self, *, is_sparse: bool) -> None:
        self._model.set_sparse(is_sparse)
        self._show_mode(self._model.state.is_sparse)  # it may have been refused

    def _show_guess(self, is_shown: bool) -> None:
        self.guess.setChecked(is_shown)

    def _show_uncertainty(self, is_shown: bool) -> None:
        self.uncertainty.setChecked(is_shown)

    def _show_candidates(self, is_shown: bool) -> None:
        self.candidates.setChecked(is_shown)

    def _show_take_back(self, is_possible: bool) -> None:
        self.take_back.setVisible(is_possible)

    def _show_mode(self, is_sparse: bool) -> None:
        (self.strokes if is_sparse else self.whole).setChecked(True)

    def _show_question(self, n_forgotten: int) -> None:
        self.forgotten.setText(forgotten_words(n_forgotten))
        self.question.setVisible(n_forgotten > 0)

    def _show_message(self, words: str, *, is_good: bool) -> None:
        set_look(self.message, "good" if is_good else "warning")
        self.message.setText(words)
        self.message.show()


def _key_button(words: str, action: Action, on_click: Callable[[], None]) -> QPushButton:
    return button(f"{words}  {key_of(action)}", on_click, tip=f"{_WORDS[action]} (key {key_of(action)})")


def _key_check(words: str, action: Action) -> QCheckBox:
    made = QCheckBox(f"{words}  {key_of(action)}")
    made.setToolTip(f"{_WORDS[action]} (key {key_of(action)})")
    return made
