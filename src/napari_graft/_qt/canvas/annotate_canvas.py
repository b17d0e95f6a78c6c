"""The canvas of a viewer while tiles are painted: boxes, the open tile, keys; one a viewer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject, QTimer

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.images import project_image
from napari_graft._napari.keys import Action, ViewerKeys
from napari_graft._napari.layer_visibility import Spotlight
from napari_graft._napari.layers import details_of
from napari_graft._napari.overlays.field_of_view import tile_in_view
from napari_graft._napari.overlays.tile_boxes import hide_boxes, show_candidates, show_queue
from napari_graft._napari.painting import PlaceGuard, TileLayers, tile_of
from napari_graft._qt.canvas.tile_tools_canvas import TileToolsCanvas
from napari_graft._qt.shell.event_loop import Stepper
from napari_graft._qt.widgets.binding import bind, listen, listen_to_viewer
from napari_graft.core.tile import Tile
from napari_graft.workbench.annotate.tile_painting import TilePainting
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


_ELSEWHERE: tuple[TabName, ...] = ("data", "sources", "compare")
"""Tabs in which nobody paints: all images are seen there."""


class ImageInFront(QObject):
    """Hides other layers when a tile is opened, says so, and shows them again when painting is over.

    Parameters
    ----------
    workbench, viewer
        Whose tile, and where the images are.
    """

    def __init__(self, owner: QObject, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(owner)
        self._context = workbench.context
        self._model = workbench.annotating
        self._viewer = viewer
        self._spotlight = Spotlight(viewer, self._on_other_shown)
        # Soon: whoever opens a tile, or selects a layer, has more to do to it.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._settle)
        bind(self, self._model.state, "painting", lambda _: self._soon.start(0))
        listen(self, workbench.state.events.tab, self._on_tab_changed)
        listen(self, comparison_view_of(viewer).closed, lambda: self._soon.start(0))
        listen_to_viewer(self, viewer.layers.selection.events.active, self._on_active_changed)

    def _settle(self) -> None:
        """Show what is painted, or all."""
        project = self._context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        if self._model.state.painting is None or image is None:
            self._spotlight.release()
            return
        hidden = self._spotlight.shine(image)
        if hidden:
            names = ", ".join(f"'{layer.name}'" for layer in hidden)
            self._model.told.emit(f"Hidden while you paint on '{image.name}': {names}.")

    def _on_tab_changed(self, tab: TabName) -> None:
        if tab in _ELSEWHERE:
            self._soon.stop()
            self._spotlight.release()
        else:
            self._soon.start(0)

    def _on_active_changed(self) -> None:
        active = self._viewer.layers.selection.active
        if self._model.state.painting is None or active is None:
            return
        details = details_of(active)
        if details.get("is_tile"):
            self._soon.start(0)
        elif self._spotlight.is_on and self._is_other(active):
            self._model.refused.emit(
                f"'{active.name}' is selected, which does not belong to the tile: "
                "click the tile in the list to go on painting it"
            )

    def _is_other(self, layer: Layer) -> bool:
        """Say whether a layer is neither ours nor the image of the project."""
        project = self._context.project
        image = None if project is None else project_image(self._viewer, project.folder)
        return layer is not image and details_of(layer).get("role", "image") in ("image", "truth")

    def _on_other_shown(self, layer: Layer) -> None:
        project = self._context.project
        name = "" if project is None else project.manifest.name
        self._model.refused.emit(
            f"'{layer.name}' is shown beside the tile: what you paint belongs to the image of {name}"
        )


LOOK_MILLISECONDS = 400
"""How often the tile is looked at for new strokes: with the time to write them well below two seconds."""

_canvases: weakref.WeakKeyDictionary[Viewer, AnnotateCanvas] = weakref.WeakKeyDictionary()


class AnnotateCanvas(QObject):
    """Link between the model of the tab Annotate and the canvas: shows tiles there, and reports strokes back.

    Parameters
    ----------
    workbench, viewer
        What is shown, and where.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(viewer.window._qt_window)  # napari offers no public way to its window
        self._context = workbench.context
        self._model = workbench.annotating
        self._tab: Callable[[], TabName] = lambda: workbench.state.tab
        self._tile_tools = workbench.tile_tools
        self._data = workbench.data
        self._viewer = viewer
        self._shown: object = None
        self.layers = TileLayers(viewer, self._on_layer_made)
        self._guard = PlaceGuard(viewer, self._model.refused.emit)
        self.tools = TileToolsCanvas(workbench, viewer, self.layers, self._guard.obstacle, self.focus)
        self._stepper = Stepper(self)
        self.keys = ViewerKeys(viewer, self._actions())
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MILLISECONDS)
        self._timer.timeout.connect(self._note_at_rest)
        # To accept a tile changes the queue and then the current tile: the boxes are drawn once for both.
        self._drawing = QTimer(self)
        self._drawing.setSingleShot(True)
        self._drawing.timeout.connect(self._draw_queue)
        self._follow_model()
        viewer.layers.events.removed.connect(self._on_layer_removed)
        self.destroyed.connect(lambda: viewer.layers.events.removed.disconnect(self._on_layer_removed))
        self.destroyed.connect(self._guard.close)
        self.in_front = ImageInFront(self, workbench, viewer)

    def _follow_model(self) -> None:
        state = self._model.state
        listen(self, self._model.labels_wanted, self.note)
        bind(self, state, "candidates", self._show_candidates)
        bind(self, state, "shows_candidates", self._show_candidates)
        bind(self, state, "queue", self._show_queue)
        bind(self, state, "current", self._show_queue)
        bind(self, state, "shows_guess", self.layers.show_guess)
        bind(self, state, "shows_uncertainty", self.layers.show_uncertainty)
        bind(self, state, "painting", self._show_painting)

    def note(self) -> None:
        """Hand over what is painted now."""
        layer = self.layers.labels
        if layer is not None:
            self._note(layer)

    def _note_at_rest(self) -> None:
        if not self.tools.is_dragging:
            self.note()

    def focus(self) -> None:
        """Let the keys reach the canvas."""
        self._viewer.window._qt_viewer.canvas.native.setFocus()  # napari offers no public way to its canvas

    @property
    def is_at_rest(self) -> bool:
        """Say whether the open tile is shown with all that belongs to it."""
        return self._stepper.is_at_rest

    @property
    def image(self) -> Image | None:
        """The layer with the image of the project, None where the user removed it."""
        project = self._context.project
        return None if project is None else project_image(self._viewer, project.folder)

    def _actions(self) -> dict[Action, Callable[[], None]]:
        return {name: partial(self._act, action) for name, action in self._all_actions().items()}

    def _act(self, action: Callable[[], None]) -> None:
        """Do what a key asks for, where the tile is what the user works on."""
        if comparison_view_of(self._viewer).comparison is not None:
            self._model.refused.emit("this key is for painting: close the comparison to go on with the tile")
        elif self._tab() == "compare":
            self._model.refused.emit("this key is for painting: go to the tab Annotate to go on")
        else:
            action()

    def _all_actions(self) -> dict[Action, Callable[[], None]]:
        model = self._model
        return {
            "next": model.next,
            "previous": model.previous,
            "done": model.accept,
            "skip": model.skip,
            "unsure": model.mark_unsure,
            "bad image": model.mark_bad,
            "guess": self._toggle_guess,
            "uncertainty": self._toggle_uncertainty,
            "new object": self.layers.take_new_label,
            "background": self.layers.take_background,
            "clear": self._tile_tools.clear,
            "refill": self._tile_tools.refill,
            "withdraw": self._tile_tools.withdraw,
            "paint here": self.paint_here,
        }

    def _toggle_guess(self) -> None:
        self._model.state.shows_guess = not self._model.state.shows_guess

    def _toggle_uncertainty(self) -> None:
        self._model.state.shows_uncertainty = not self._model.state.shows_uncertainty

    def _note(self, layer: Labels) -> None:
        tile = tile_of(layer)
        if tile is not None and layer.data.shape == tile.shape:
            self._model.note_painting(tile, layer.data)

    def _on_layer_made(self, layer: Labels) -> None:
        self.tools.attach(layer)

    def _on_layer_removed(self, event: Any) -> None:
        # What was painted on it stays in the draft; going to the tile brings it back.
        if isinstance(event.value, Labels):
            self._note(event.value)

    def _show_candidates(self, _: object) -> None:
        if self.image is not None:
            state = self._model.state
            candidates = state.candidates if state.shows_candidates else ()
            show_candidates(self._viewer, self.image, candidates, state.current)

    def _show_queue(self, _: object) -> None:
        state, image = self._model.state, self.image
        if image is None or not state.queue.tiles:
            self._shown = None
            hide_boxes(self._viewer)
            self.keys.release()
            return
        self.keys.bind()
        self._drawing.start(0)

    def _draw_queue(self) -> None:
        state, image = self._model.state, self.image
        shown = (tuple((queued.tile, queued.state) for queued in state.queue.tiles), state.current)
        if image is not None and state.queue.tiles and shown != self._shown:
            self._shown = shown
            self._show_candidates(None)
            show_queue(self._viewer, image, state.queue, state.current)

    def _show_painting(self, painting: TilePainting | None) -> None:
        image = self.image
        if painting is None or image is None:
            self._timer.stop()
            self._guard.watch(None)
            self._stepper.begin(self.layers.remove())
            return
        self._stepper.begin(self._show_layers(image, painting))
        self._timer.start()
        self.focus()

    def go_back_to(self, tile: Tile) -> None:
        """Open a tile, and look at it even where it is open already."""
        self._model.go_to(tile)
        if self.image is not None and self.layers.tile == tile:
            self.layers.look_at_tile(self.image)

    def paint_here(self) -> None:
        """Add a tile in the middle of what is seen."""
        image = self.image
        if image is None:
            self._model.refused.emit(
                "the image of the project is not shown: open the project in the tab Data"
            )
        elif self._viewer.dims.ndisplay == 3:
            self._model.refused.emit("tiles are painted in their slice: show the image in 2-D")
        else:
            self._tile_tools.paint_here(tile_in_view(self._viewer, image, self._data.state.tile_side))

    def _show_layers(self, image: Image, painting: TilePainting) -> Iterator[None]:
        for _ in self.layers.show(image, painting):
            self._guard.watch(self.layers.labels)
            yield


def canvas_of(workbench: Workbench, viewer: Viewer) -> AnnotateCanvas:
    """Return the canvas of a viewer, made when it is first asked for: several docks may show one viewer."""
    if viewer not in _canvases:
        _canvases[viewer] = AnnotateCanvas(workbench, viewer)
    return _canvases[viewer]
