"""The state of our layers, which are seen and what is painted with: read, and restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari.components import ViewerModel
from napari.layers import Layer

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.images import project_image
from napari_graft._napari.layers import Role, details_of, our_layers
from napari_graft._napari.painting import TileLayers, tile_of
from napari_graft.project.documents import WindowState

_ROLES: tuple[Role, ...] = ("image", "tiles", "result", "uncertainty")
"""What is looked after here: an opened tile is always seen, and its guess when that is asked for."""


class LayerStates:
    """State of our layers in a viewer: read, and restored for each layer when it appears.

    Parameters
    ----------
    viewer
        Where they are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._visible: dict[str, bool] = {}
        self._tools: WindowState | None = None

    @property
    def is_compared(self) -> bool:
        """Say whether a comparison is shown, during which all other layers are hidden."""
        has_comparison = comparison_view_of(self._viewer).comparison is not None
        return has_comparison or any(our_layers(self._viewer, "preview"))

    @property
    def tools(self) -> tuple[int, float] | None:
        """Label and brush that are painted with, None where no tile is open or they are not back yet."""
        layer = TileLayers(self._viewer).labels
        return None if layer is None or self._tools is not None else (layer.selected_label, layer.brush_size)

    def restore(self, state: WindowState, folder: Path) -> None:
        """Let the image of the project in `folder` have the name that it had, and the rest follow."""
        self._visible = dict(state.visible)
        self._tools = state if state.tile is not None else None
        image = project_image(self._viewer, folder)
        if image is not None and state.layer:
            image.name = state.layer
        self.settle(folder)

    def settle(self, folder: Path) -> None:
        """Bring back what has appeared meanwhile."""
        for name, layer in self._ours(folder):
            if name in self._visible:
                layer.visible = self._visible.pop(name)
        layer = TileLayers(self._viewer).labels
        if layer is None or self._tools is None:
            return
        state, self._tools = self._tools, None
        layer.brush_size = state.brush
        if tile_of(layer) == state.tile:
            layer.selected_label = state.label

    def visible(self, folder: Path) -> dict[str, bool]:
        """Return which layers of a project are seen, by the names that `WindowState` knows."""
        return {name: layer.visible for name, layer in self._ours(folder)}

    def forget(self) -> None:
        """Bring nothing more back."""
        self._visible, self._tools = {}, None

    def _ours(self, folder: Path) -> Iterator[tuple[str, Layer]]:
        for layer in our_layers(self._viewer):
            details = details_of(layer)
            of_project = details.get("project", str(folder)) == str(folder)
            if details["role"] in _ROLES and of_project and not details.get("is_tile"):
                yield _name_of(details["role"], details.get("kind") or details.get("run")), layer


def _name_of(role: str, which: str | None) -> str:
    return role if which is None else f"{role} {which}"
