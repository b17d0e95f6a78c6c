"""The window state of a project: kept while the user works, and restored when the project is opened."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from psygnal import Signal

from napari_graft.core.errors import StorageError
from napari_graft.core.progress import CancelToken, Report
from napari_graft.project.documents import WindowState
from napari_graft.project.project import Project
from napari_graft.workbench.annotate.model import AnnotatingModel
from napari_graft.workbench.context import Context
from napari_graft.workbench.data.model import DataModel
from napari_graft.workbench.next_step import TABS, WorkbenchState
from napari_graft.workbench.train.model import TrainingModel

_log = logging.getLogger(__name__)


class WindowStateModel:
    """Keeps the window state of the open project in step with what the window shows.

    Nothing is kept before the window state of a project is read, so that opening it clears nothing.

    Parameters
    ----------
    context
        What the window shares.
    window, data, annotating, training
        What is kept of them: the tab, the budgets, the tile and how it is painted.
    """

    found = Signal(WindowState)
    """The stored window state, told once the models are as they were and the tile is about to be opened."""
    wanted = Signal()
    """Asks whoever shows the layers to hand over how they are, by `note_layers` and `note_tools`."""

    def __init__(
        self,
        context: Context,
        window: WorkbenchState,
        data: DataModel,
        annotating: AnnotatingModel,
        training: TrainingModel,
    ) -> None:
        self._context = context
        self._window, self._data, self._annotating, self._training = window, data, annotating, training
        self._project: Project | None = None
        self._tab = window.tab
        self.current = WindowState()
        tiles = annotating.state.events
        for signal in (
            window.events.tab,
            data.state.events.tile_side,
            tiles.current,
            tiles.is_sparse,
            tiles.budget,
            tiles.shows_guess,
            tiles.shows_uncertainty,
            training.state.events.minutes,
        ):
            signal.connect(self._note_models)
        context.hear(context.project_closing, self.wanted.emit)
        context.hear(context.project_changed, self._on_project_changed)

    def note_layers(self, image: str, visible: Mapping[str, bool]) -> None:
        """Keep the name of the image layer, and which of our layers are seen.

        Parameters
        ----------
        image
            Empty where the layer was removed: its name is kept then, as is what is known of other layers.
        visible
            As in `WindowState`.
        """
        self._note(layer=image or self.current.layer, visible={**self.current.visible, **visible})

    def note_tools(self, label: int, brush: float) -> None:
        """Keep what is painted with."""
        self._note(label=label, brush=max(1.0, brush))

    def _note_models(self) -> None:
        state = self._annotating.state
        tile = state.current
        overlays = {"guess": state.shows_guess, "uncertainty": state.shows_uncertainty}
        self._note(
            tab=self._window.tab,
            start=None if tile is None else tile.start,
            shape=None if tile is None else tile.shape,
            sparse=state.is_sparse,
            budget=state.budget,
            minutes=self._training.state.minutes,
            tile_side=self._data.state.tile_side,
            visible={**self.current.visible, **overlays},
        )

    def _note(self, **changes: object) -> None:
        project = self._project
        # The models let go of a project one after the other: what they show meanwhile is not where one was.
        if project is None or project is not self._context.project:
            return
        state = self.current.model_copy(update=changes)
        if state != self.current:
            self.current = state
            self._store(project, state)

    def _store(self, project: Project, state: WindowState) -> None:
        def write(report: Report, cancel: CancelToken) -> None:
            try:
                project.store_window_state(state)
            except StorageError as error:  # it can be lost without harm
                _log.warning("where you are in the window cannot be kept: %s", error)

        self._context.jobs.start(
            "Keeping where you are", write, lane="files", on_done=lambda _: None, must_finish=True
        )

    def _on_project_changed(self) -> None:
        project = self._context.project
        self._project, self.current, self._tab = None, WindowState(), self._window.tab
        if project is not None:
            # After the tiles, which the tab Annotate asked for on the same lane before.
            self._context.jobs.start(
                "Looking where you were",
                lambda report, cancel: (project, project.window_state()),
                lane="files",
                on_done=self._on_read,
            )

    def _on_read(self, found: tuple[Project, WindowState]) -> None:
        project, state = found
        if self._context.project is not project:
            return
        if state != WindowState():
            self._restore(state)
        self.current, self._project = state, project
        self._note_models()

    def _restore(self, stored: WindowState) -> None:
        state = self._annotating.state
        self._annotating.set_sparse(stored.sparse)
        state.budget = stored.budget or state.budget
        state.shows_guess = stored.visible.get("guess", state.shows_guess)
        state.shows_uncertainty = stored.visible.get("uncertainty", state.shows_uncertainty)
        self._training.state.minutes = stored.minutes or self._training.state.minutes
        self._data.state.tile_side = stored.tile_side or self._data.state.tile_side
        if self._window.tab == self._tab:  # else the user went on meanwhile
            self._window.tab = next((name for name in TABS if name == stored.tab), self._tab)
        if stored.tile is not None and state.current is None and state.queue.find(stored.tile) is not None:
            self._annotating.go_to(stored.tile)
        self.found.emit(stored)
