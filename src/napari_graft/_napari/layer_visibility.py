"""What is seen: the image of the project and ours alone, while a tile is painted."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.layers import details_of, set_visible


class Spotlight:
    """Hides the layers of others while a tile is open, keeps the tile on top, and restores them afterwards.

    What the user shows or hides meanwhile stays so. While a comparison is shown, which hides all layers and
    brings them back itself, nothing is changed.

    Parameters
    ----------
    viewer
        Where the layers are.
    on_shown
        Takes a layer that the user shows again meanwhile.
    """

    def __init__(self, viewer: ViewerModel, on_shown: Callable[[Layer], None]) -> None:
        self._viewer = viewer
        self._on_shown = on_shown
        self._changed: weakref.WeakKeyDictionary[Layer, bool] = weakref.WeakKeyDictionary()
        self._is_changing = False
        self._is_wanted = False
        self._comparison = comparison_view_of(viewer)
        self._comparison.closed.connect(self._on_comparison_closed)

    @property
    def is_on(self) -> bool:
        """Say whether other layers are kept out of sight."""
        return self._is_wanted

    def shine(self, image: Image) -> list[Layer]:
        """Let an image and the tile be all that is seen; return the layers that are hidden for that."""
        self._is_wanted = True
        if self._comparison.comparison is not None:
            return []
        others = [layer for layer in self._viewer.layers if layer is not image and _is_of_others(layer)]
        self._raise_tile(others)
        hidden = [layer for layer in reversed(others) if layer.visible]
        for layer in hidden:
            self._show(layer, is_visible=False)
        if not image.visible:
            self._show(image, is_visible=True)
        return hidden

    def release(self) -> None:
        """Show again what was hidden, and hide what was shown for that."""
        self._is_wanted = False
        if self._comparison.comparison is None:
            self._bring_back()

    def _raise_tile(self, others: list[Layer]) -> None:
        """Keep the tile above other layers, which the user may show again: strokes must be seen."""
        layers = self._viewer.layers
        ours = [layer for layer in layers if _is_of_tile(layer)]
        uppermost = max((layers.index(layer) for layer in others), default=-1)
        if any(layers.index(layer) < uppermost for layer in ours):
            for layer in ours:
                layers.move(layers.index(layer), len(layers))

    def _bring_back(self) -> None:
        for layer, is_visible in list(self._changed.items()):
            layer.events.visible.disconnect(self._on_visible_changed)
            if layer in self._viewer.layers and layer.visible != is_visible:
                set_visible(layer, is_visible)
        self._changed.clear()

    def _show(self, layer: Layer, *, is_visible: bool) -> None:
        if layer not in self._changed:
            self._changed[layer] = layer.visible
            layer.events.visible.connect(self._on_visible_changed)
        self._is_changing = True
        try:
            set_visible(layer, is_visible)
        finally:
            self._is_changing = False

    def _on_visible_changed(self, event: Any) -> None:
        layer = event.source
        if self._is_changing or self._comparison.comparison is not None or layer not in self._changed:
            return
        if layer.visible != self._changed[layer]:  # a comparison brings back what it found
            return
        layer.events.visible.disconnect(self._on_visible_changed)
        del self._changed[layer]  # as the user wants it from now on
        if layer.visible:
            self._on_shown(layer)

    def _on_comparison_closed(self) -> None:
        if not self._is_wanted:
            self._bring_back()


def _is_of_others(layer: Layer) -> bool:
    """Say whether a layer is none that we draw for a project: an image, or whatever the user has added."""
    return details_of(layer).get("role", "image") in ("image", "truth")


def _is_of_tile(layer: Layer) -> bool:
    details = details_of(layer)
    return bool(details.get("is_tile")) or details.get("role") == "tiles"
