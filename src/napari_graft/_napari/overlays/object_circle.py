"""The circle on the image that shows how wide the wanted objects are taken to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_graft._napari.images import shape_of
from napari_graft._napari.layers import add_aside, find_layer, mark, remove_layers
from napari_graft._napari.overlays.field_of_view import camera_of, centre_of_view
from napari_graft._napari.placement import placed
from napari_graft.workbench.data.state import Grip, ObjectCircle, Point

_COLOUR = "#ffd54f"
_REACH = 8.0
"""So many screen pixels from the rim it is still taken hold of."""
_LINE = 2.5
"""Width of the line in screen pixels, at the zoom at which it is drawn."""
_LEFT = 1


class CircleLayer:
    """A layer with the circle, which can be dragged whichever layer is active, unless that is painted on.

    Parameters
    ----------
    viewer
        Where it is shown.
    on_dragged
        Takes the circle as it is dragged.
    on_dropped
        Takes the circle as it was before a drag that has ended.
    on_removed
        Called when the user has removed the layer.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        on_dragged: Callable[[ObjectCircle], None],
        on_dropped: Callable[[ObjectCircle], None],
        on_removed: Callable[[], None],
    ) -> None:
        self._viewer = viewer
        self._on_dragged, self._on_dropped, self._on_removed = on_dragged, on_dropped, on_removed
        self._circle: ObjectCircle | None = None
        self._image: Image | None = None
        self._is_fixed = False

    def show(self, image: Image, circle: ObjectCircle, *, is_fixed: bool) -> None:
        """Draw the circle on an image; where its width is fixed it can only be moved."""
        self._is_fixed = is_fixed
        if self._circle is None:
            self._viewer.mouse_drag_callbacks.append(self._on_press)
            self._viewer.mouse_move_callbacks.append(self._on_move)
            self._viewer.layers.events.removed.connect(self._on_layer_removed)
        self._circle, self._image = circle, image
        layer = self._layer or self._add(image)
        corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * circle.diameter
        corners += np.array(circle.centre) - circle.diameter / 2
        layer.data = [(corners, "ellipse")]
        layer.edge_width = [_LINE / self._screen_pixels]
        layer.text = {
            "string": [f"{circle.diameter:.0f} pixels"],
            "size": 11,
            "color": _COLOUR,
            "anchor": "upper_left",
        }

    def hide(self) -> None:
        """Remove the circle."""
        if self._circle is None:
            return
        self._circle = self._image = None
        self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self._viewer.mouse_move_callbacks.remove(self._on_move)
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)
        if self._layer is not None:
            remove_layers(self._viewer, "tiles", kind="objects")

    @property
    def _layer(self) -> Shapes | None:
        layer = find_layer(self._viewer, "tiles", kind="objects")
        return layer if isinstance(layer, Shapes) else None

    def _add(self, image: Image) -> Shapes:
        # Of two axes, so that a stack shows it in each of its slices.
        place = {name: value[-2:] for name, value in placed(image).items()}
        layer = Shapes(
            ndim=2,
            face_color="transparent",
            edge_color=_COLOUR,
            opacity=1.0,
            name=f"{image.name} · width of objects",
            metadata=mark("tiles", kind="objects"),
            **place,
        )
        layer.editable = False  # it is dragged by our own hands, which keep it a circle
        add_aside(self._viewer, layer)
        return layer

    @property
    def _screen_pixels(self) -> float:
        """Pixels of the screen that a pixel of the image takes."""
        layer = self._layer
        scale = 1.0 if layer is None else abs(float(layer.scale[-1]))
        return float(camera_of(self._viewer).zoom) * scale

    def _on_press(self, viewer: ViewerModel, event: Any) -> Iterator[None]:
        before, image = self._circle, self._image
        grip = self._grip(event) if event.button == _LEFT and not event.modifiers else None
        if grip is None or before is None or image is None:
            return
        start, shape, camera = self._point(event), shape_of(image), camera_of(viewer)
        could_pan, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
            while event.type == "mouse_move":
                self._on_dragged(before.dragged(grip, start, self._point(event), shape))
                yield
        finally:
            camera.mouse_pan = could_pan
        # Moves in quick succession are left out: where the button was let go counts.
        self._on_dragged(before.dragged(grip, start, self._point(event), shape))
        self._on_dropped(before)

    def _on_move(self, viewer: ViewerModel, event: Any) -> None:
        """Let the cursor say that there is something to take hold of."""
        active = viewer.layers.selection.active
        usual = "standard" if active is None else active.cursor
        style = "pointing" if self._grip(event) is not None else usual
        if viewer.cursor.style != style:
            viewer.cursor.style = style

    def _grip(self, event: Any) -> Grip | None:
        dims, active = self._viewer.dims, self._viewer.layers.selection.active
        is_flat = dims.ndisplay == 2 and set(dims.displayed) == {dims.ndim - 2, dims.ndim - 1}
        is_painted = getattr(active, "mode", "pan_zoom") != "pan_zoom"
        layer = self._layer
        if self._circle is None or layer is None or not layer.visible or not is_flat or is_painted:
            return None
        grip = self._circle.grip(self._point(event), _REACH / self._screen_pixels)
        return "inside" if grip is not None and self._is_fixed else grip

    def _point(self, event: Any) -> Point:
        layer = self._layer
        assert layer is not None
        y, x = layer.world_to_data(event.position)[-2:]
        return float(y), float(x)

    def _on_layer_removed(self) -> None:
        if self._circle is not None and self._layer is None:
            self._on_removed()


def middle_of_view(viewer: ViewerModel, image: Image) -> Point:
    """Return the pixel of an image, (y, x), in the middle of the canvas."""
    y, x = np.asarray(image.world_to_data(centre_of_view(viewer)[-image.ndim :]))[-2:]
    return float(y), float(x)
