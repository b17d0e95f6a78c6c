"""The canvas of a viewer while a result is proofread: its layers, clicks and keys; one a viewer."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import QObject

from napari_graft._napari.images import project_image
from napari_graft._napari.keys import ProofreadAction
from napari_graft._napari.object_tools import ToolMouse
from napari_graft._napari.overlays.field_of_view import show_tile, tile_in_view
from napari_graft._napari.proofread import ProofreadLayers
from napari_graft._qt.widgets.binding import bind, listen, listen_to_viewer
from napari_graft._qt.widgets.tool_row import TOOLS
from napari_graft.core.tile import Tile
from napari_graft.project.suspicions import SuspicionRecord
from napari_graft.proofreading.edit import Edit
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.proofread.click_tools import EditPreview, ToolName
from napari_graft.workbench.proofread.open_result import OpenResult
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer

_canvases: weakref.WeakKeyDictionary[Viewer, ProofreadCanvas] = weakref.WeakKeyDictionary()


class ProofreadCanvas(QObject):
    """Link between the models of the proofreading and the canvas.

    Parameters
    ----------
    workbench, viewer
        What is shown, and where.
    """

    def __init__(self, workbench: Workbench, viewer: Viewer) -> None:
        super().__init__(viewer.window._qt_window)  # napari offers no public way to its window
        self._context = workbench.context
        self._model = workbench.proofreading
        self._tools = workbench.click_tools
        self._review = workbench.review
        self._proofread_tiles = workbench.proofread_tiles
        self._viewer = viewer
        self._is_replacing = False
        mouse = ToolMouse(self._on_click, self._on_drag, self._on_confirm, self._tools.change_level)
        self.layers = ProofreadLayers(viewer, mouse, self._on_stroke, self._actions())
        bind(self, self._model.state, "opened", self._show_result)
        listen(self, self._model.changed, self.layers.refresh)
        bind(self, self._tools.state, "preview", self._show_preview)
        listen(self, self._tools.state.events.tool, self._on_tool_chosen)
        listen(self, workbench.state.events.tab, self._on_tab_changed)
        listen(self, self._review.shown, self._show_suspicion)
        listen(self, workbench.measuring.chosen, self._show_object)
        listen(self, workbench.measuring.state.events.columns, self.layers.show_features)
        listen_to_viewer(self, viewer.layers.events.removed, self._on_layer_removed)

    @property
    def image(self) -> Image | None:
        """The layer with the image of the project, None where the user removed it."""
        project = self._context.project
        return None if project is None else project_image(self._viewer, project.folder)

    def focus(self) -> None:
        """Let the keys reach the canvas."""
        self._viewer.window._qt_viewer.canvas.native.setFocus()  # napari offers no public way to its canvas

    def take_view(self) -> None:
        """Annotate a tile in the middle of what is seen with the objects that are there."""
        image = self.image
        if image is None:
            self._model.refused.emit("the image of the project is not in this window: open it again")
        elif self._viewer.dims.ndisplay == 3:
            self._model.refused.emit("tiles are taken from a slice: show the image in 2-D")
        else:
            tiles = self._proofread_tiles
            tiles.take_view(tile_in_view(self._viewer, image, tiles.side))

    def _actions(self) -> dict[ProofreadAction, Callable[[], None]]:
        tools: dict[ProofreadAction, Callable[[], None]] = {
            name: partial(self._on_tool_key, name) for name in TOOLS
        }
        return tools | {
            "confirm": self._on_confirm,
            "next object": self._review.next,
            "previous object": self._review.previous,
            "accept": self._review.accept,
            "skip object": self._review.skip,
            "join": self._review.join,
            "larger": lambda: self._change_level(1),
            "smaller": lambda: self._change_level(-1),
            "forget": self._tools.cancel,
            "undo": self._tools.undo,
            "redo": self._tools.redo,
        }

    def _on_tool_key(self, tool: ToolName) -> None:
        """Take up a tool; the key of the one that is up is a click where the mouse is."""
        if self._tools.state.tool != tool:
            self._tools.choose(tool)
            return
        pixel = self.layers.pixel_at(self._viewer.cursor.position)
        if pixel is not None:
            self._on_click(pixel)

    def _on_confirm(self) -> None:
        if not self._tools.confirm():
            self._review.next()

    def _show_suspicion(self, suspicion: SuspicionRecord) -> None:
        """Bring suspicious objects into view, in the slice where they are suspicious."""
        image, opened = self.image, self._model.state.opened
        if image is None or opened is None:
            return
        n_before = len(suspicion.position) - 2
        start = (*suspicion.position[:n_before], *suspicion.start[n_before:])
        seen = Tile(start, (*(1,) * n_before, *suspicion.shape[n_before:])).shift(opened.choice.region.start)
        show_tile(self._viewer, image, seen)
        self._tools.point_out(suspicion.ids)
        self.layers.take_up()
        self.focus()

    def _show_object(self, object_id: int) -> None:
        """Bring an object into view, in its middle slice."""
        image, opened = self.image, self._model.state.opened
        if image is None or opened is None:
            return
        box = opened.objects.box(object_id)
        n_before = box.ndim - 2
        middle = tuple(a + n // 2 for a, n in zip(box.start[:n_before], box.shape[:n_before], strict=True))
        seen = Tile((*middle, *box.start[n_before:]), (*(1,) * n_before, *box.shape[n_before:]))
        show_tile(self._viewer, image, seen.shift(opened.choice.region.start))
        self._tools.point_out((object_id,))
        self.layers.take_up()

    def _change_level(self, step: int) -> None:
        self._tools.change_level(step)

    def _on_click(self, pixel: tuple[int, ...]) -> None:
        if self._viewer.dims.ndisplay == 3:
            self._model.refused.emit("objects are clicked in their slice: show the image in 2-D")
        else:
            self._tools.click(pixel)

    def _on_drag(self, start: tuple[int, ...], stop: tuple[int, ...]) -> None:
        if self._viewer.dims.ndisplay == 2:
            self._tools.drag(start, stop)

    def _on_stroke(self, edit: Edit) -> None:
        def make(objects: ObjectMap) -> Edit:
            objects.refuse_locked(sorted(edit.ids))
            return edit

        self._model.do(make, "Painted.")

    def _on_tab_changed(self, tab: TabName) -> None:
        if tab == "annotate":
            self.layers.step_aside()  # the tile to paint must be seen
        elif tab == "compare":
            self.layers.take_up()

    def _on_tool_chosen(self, tool: ToolName | None) -> None:
        if tool is not None:
            self.layers.take_up()
            self.focus()
        self.layers.let_drags_merge(tool == "merge")

    def _show_result(self, opened: OpenResult | None) -> None:
        self._is_replacing = True
        try:
            image = self.image
            if opened is None:
                self.layers.remove()
            elif image is None:
                self._model.refused.emit("the image of the project is not in this window: open it again")
            else:
                self.layers.show(opened, image)
        finally:
            self._is_replacing = False

    def _show_preview(self, preview: EditPreview | None) -> None:
        self.layers.show_preview(preview, self.image)

    def _on_layer_removed(self, _: Any) -> None:
        if not self._is_replacing and self._model.state.opened is not None and self.layers.labels is None:
            self._model.close()


def proofread_canvas_of(workbench: Workbench, viewer: Viewer) -> ProofreadCanvas:
    """Return the canvas of a viewer, made when it is first asked for: several docks may show one viewer."""
    if viewer not in _canvases:
        _canvases[viewer] = ProofreadCanvas(workbench, viewer)
    return _canvases[viewer]
