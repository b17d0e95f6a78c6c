"""Strokes reach the open tile only where it is seen: flat, in its own slice, inside its frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels

_LOOKING = ("pan_zoom", "transform")
_BACK = "click the tile in the list to go back to it"


class PlaceGuard:
    """Guard that takes the tools off a layer while its tile is not in view, and says so to the user.

    napari would fail one slice further, and paint on the tile itself one slice before it.

    Parameters
    ----------
    viewer
        Where the layer is.
    refuse
        Takes the words that say why nothing was painted.
    """

    def __init__(self, viewer: ViewerModel, refuse: Callable[[str], None]) -> None:
        self._viewer = viewer
        self._refuse = refuse
        self._layer: Labels | None = None
        self._tool: str | None = None
        dims = viewer.dims.events
        self._events = (dims.point, dims.ndisplay, dims.order)
        for event in self._events:
            event.connect(self._settle)
        viewer.mouse_drag_callbacks.append(self._on_press)

    def close(self) -> None:
        """Watch nothing any more."""
        self.watch(None)
        for event in self._events:
            event.disconnect(self._settle)
        self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def watch(self, layer: Labels | None) -> None:
        """Look after a layer in place of the one before."""
        if layer is not self._layer:
            if self._layer is not None:
                self._layer.events.mode.disconnect(self._settle)
            self._layer, self._tool = layer, None
            if layer is not None:
                layer.events.mode.connect(self._settle)
        self._settle()

    def obstacle(self) -> str | None:
        """Say why the tile cannot be painted in what is seen now, None where it can."""
        layer, dims = self._layer, self._viewer.dims
        if layer is None:
            return None
        if dims.ndisplay == 3:
            return f"the image is shown in 3-D, and tiles are painted in their slice: {_BACK}"
        if set(dims.displayed) != {dims.ndim - 2, dims.ndim - 1}:
            return f"the image is shown from another side, and tiles are painted in their slice: {_BACK}"
        at = np.round(layer.world_to_data(dims.point)[-layer.ndim :])
        for axis in range(layer.ndim - 2):
            if not 0 <= at[axis] < layer.data.shape[axis]:
                return f"this is another slice than that of the tile: {_BACK}"
        return None

    def _settle(self, _: object = None) -> None:
        """Put the tool aside, or take it up again."""
        layer = self._layer
        if layer is None:
            return
        if self.obstacle() is not None:
            if layer.mode not in _LOOKING:
                self._tool = layer.mode
                layer.mode = "pan_zoom"
        elif self._tool is not None:
            tool, self._tool = self._tool, None
            layer.mode = tool

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        layer = self._layer
        if layer is None or viewer.layers.selection.active is not layer:
            return
        obstacle = self.obstacle()
        if obstacle is not None and self._tool is not None:
            self._refuse(f"nothing is painted: {obstacle}")
        if obstacle is not None or layer.mode in _LOOKING or self._is_inside(layer, event.position):
            return
        before = layer.data.copy()
        yield
        while event.type == "mouse_move":
            yield
        if np.array_equal(before, layer.data):
            self._refuse(
                "nothing is painted: this is outside the tile; paint inside its frame, "
                "or press T for a tile here"
            )

    @staticmethod
    def _is_inside(layer: Labels, position: tuple[float, ...]) -> bool:
        at = np.round(layer.world_to_data(position)[-2:])
        return bool(np.all((at >= 0) & (at < layer.data.shape[-2:])))
