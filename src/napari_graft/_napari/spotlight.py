"""Which image is seen: that of the project alone, while a tile of it is painted."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.images import image_layers
from napari_graft._napari.layers import set_visible


class Spotlight:
    """Hide all other images, and show them again as they were.

    What the user shows or hides meanwhile stays so. While a comparison is shown, which hides all layers and
    brings them back itself, nothing is changed.

    Parameters
    ----------
    viewer
        Where the images are.
    on_shown
        Takes an image that the user shows again meanwhile.
    """

    def __init__(self, viewer: ViewerModel, on_shown: Callable[[Image], None]) -> None:
        self._viewer = viewer
        self._on_shown = on_shown
        self._changed: weakref.WeakKeyDictionary[Image, bool] = weakref.WeakKeyDictionary()
        self._is_changing = False
        self._is_wanted = False
        self._comparison = comparison_view_of(viewer)
        self._comparison.closed.connect(self._on_comparison_closed)

    @property
    def is_on(self) -> bool:
        """Say whether other images are kept out of sight."""
        return self._is_wanted

    def shine(self, image: Image) -> list[Image]:
        """Let an image be the only one that is seen; return those that are hidden for that."""
        self._is_wanted = True
        if self._comparison.comparison is not None:
            return []
        hidden = [layer for layer in image_layers(self._viewer) if layer is not image and layer.visible]
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

    def _bring_back(self) -> None:
        for layer, is_visible in list(self._changed.items()):
            layer.events.visible.disconnect(self._on_visible_changed)
            if layer in self._viewer.layers and layer.visible != is_visible:
                set_visible(layer, is_visible)
        self._changed.clear()

    def _show(self, layer: Image, *, is_visible: bool) -> None:
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
