"""The object tools on the tile that is painted: clicks and keys on its layer, and their edits in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import QObject

from napari_graft._napari.images import project_image
from napari_graft._napari.keys import TILE_TOOL_KEYS, TileTool
from napari_graft._napari.object_tools import PreviewLayer, ToolMouse, pixel_at
from napari_graft._napari.painting import TileLayers, tile_of
from napari_graft._qt.widgets.binding import bind, listen
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.next_step import TabName
from napari_graft.workbench.proofread.click_tools import EditPreview, ToolName
from napari_graft.workbench.workbench import Workbench

if TYPE_CHECKING:
    from napari import Viewer


class TileToolsCanvas(QObject):
    """Link between the object tools and the layer of the open tile.

    Parameters
    ----------
    workbench, viewer
        Whose tools, and where the layers are.
    layers
        Those of the open tile.
    obstacle
        Says why the tile cannot be worked on in what is seen now, None where it can.
    focus
        Lets the keys reach the canvas.
    """

    def __init__(
        self,
        workbench: Workbench,
        viewer: Viewer,
        layers: TileLayers,
        obstacle: Callable[[], str | None],
        focus: Callable[[], None],
    ) -> None:
        super().__init__(viewer.window._qt_window)  # napari offers no public way to its window
        self._context = workbench.context
        self._model = workbench.annotating
        self._tools = workbench.tile_click_tools
        self._viewer = viewer
        self._layers = layers
        self._obstacle = obstacle
        self._focus = focus
        self._is_doing = False
        self.is_dragging = False
        """Whether a stroke is being painted: half of one is not noted, so that it is undone as a whole."""
        self._mouse = ToolMouse(self._on_click, self._tools.drag, self._confirm, self._tools.change_level)
        self._preview = PreviewLayer(viewer, "tool", (("is_tile", True),))
        bind(self, self._tools.state, "preview", self._show_preview)
        listen(self, self._tools.state.events.tool, self._on_tool_chosen)
        listen(self, workbench.tile_correction.edited, self._do)
        listen(self, workbench.state.events.tab, self._on_tab_changed)

    def attach(self, layer: Labels) -> None:
        """Let clicks and keys on a new layer reach the tools."""
        self._mouse.attach(layer)
        layer.events.mode.connect(self._on_mode_changed)
        layer.events.paint.connect(self._on_painted)
        layer.mouse_drag_callbacks.append(self._on_pressed)
        self.is_dragging = False
        # napari's own forgets after a hundred, and with the window.
        layer.bind_key("Control-Z", _as_binding(self._undo), overwrite=True)
        layer.bind_key("Control-Shift-Z", _as_binding(self._tools.redo), overwrite=True)
        for key in TILE_TOOL_KEYS:
            layer.bind_key(key.key, _as_binding(partial(self._on_key, key.action)), overwrite=True)

    def _on_key(self, tool: TileTool) -> None:
        """Take up a tool; the key of the one that is up is a click where the mouse is."""
        layer = self._layers.labels
        if self._tools.state.tool != tool:
            self._tools.choose(tool)
        elif layer is not None and (pixel := pixel_at(layer, self._viewer.cursor.position)) is not None:
            self._on_click(pixel)

    def _on_click(self, pixel: tuple[int, ...]) -> None:
        obstacle = self._obstacle()
        if obstacle is not None:
            self._model.refused.emit(obstacle)
        else:
            self._tools.click(pixel)

    def _confirm(self) -> None:
        self._tools.confirm()

    def _forget(self) -> None:
        """Forget the clicks that wait; where there are none, take up the brush again."""
        if self._tools.state.points:
            self._tools.cancel()
        else:
            self._tools.choose(None)

    def _on_pressed(self, _: Labels, event: Any) -> Iterator[None]:
        self.is_dragging = True
        yield
        while event.type == "mouse_move":
            yield
        self.is_dragging = False

    def _on_painted(self) -> None:
        """Note each stroke by itself, so that each can be undone."""
        if not self._is_doing:
            self._model.labels_wanted.emit()

    def _undo(self) -> None:
        self._tools.undo()

    def _do(self, edit: Edit) -> None:
        """Do an edit on the layer as a stroke of napari's."""
        layer = self._layers.labels
        if layer is None or tile_of(layer) != self._model.state.current:
            return
        values = np.repeat(edit.after, edit.lengths).astype(layer.data.dtype)
        self._is_doing = True  # napari tells of a change before it makes it
        try:
            layer.data_setitem(edit.positions(), values, refresh=False)
        finally:
            self._is_doing = False
        layer.refresh(thumbnail=False, extent=False)

    def _on_tool_chosen(self, tool: ToolName | None) -> None:
        layer = self._layers.labels
        if layer is None:
            return
        # napari's mode is the brush's; ours is none of them, and a change of it puts the tool down.
        layer.mode = "paint" if tool is None else "pan_zoom"
        layer.mouse_pan = tool not in (None, "merge")
        keys: dict[str, Callable[[], object]] = {
            "Enter": self._confirm,
            "Escape": self._forget,
            "=": partial(self._tools.change_level, 1),
            "-": partial(self._tools.change_level, -1),
        }
        for key, action in keys.items():
            layer.bind_key(key, None if tool is None else _as_binding(action), overwrite=True)
        if tool is not None:
            self._viewer.layers.selection.active = layer
            self._focus()

    def _on_mode_changed(self, event: Any) -> None:
        if event.source.mode != "pan_zoom" and self._tools.state.tool is not None:
            self._tools.choose(None)

    def _on_tab_changed(self, tab: TabName) -> None:
        if tab != "annotate":
            self._tools.choose(None)

    def _show_preview(self, preview: EditPreview | None) -> None:
        project, tile = self._context.project, self._layers.tile
        image = None if project is None else project_image(self._viewer, project.folder)
        if tile is not None or preview is None:
            self._preview.show(preview, () if tile is None else tile.start, image)


def _as_binding(action: Callable[[], object]) -> Callable[[object], None]:
    def binding(_: object) -> None:
        action()

    return binding
