"""What the object tools need of a layer of labels: clicks, drags and the wheel, and a preview above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_graft._napari.layers import Role, add_aside, find_layer, mark, set_visible
from napari_graft._napari.placement import placed
from napari_graft.workbench.proofread.click_tools import EditPreview

_COLOURS = ("#ffd54f", "#4dd0e1", "#ff8a65", "#ba68c8", "#aed581", "#f06292")
"""Of the parts that would come of an edit; the first is that of an object which was clicked."""
_LARGEST_MOVE = 4
"""Pixels of the screen that the mouse may move in a click."""

Pixel = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ToolMouse:
    """What the mouse does on a layer of labels while no brush of napari is in hand.

    Parameters
    ----------
    on_click
        Takes the pixel that was clicked.
    on_drag
        Takes the pixels where a drag began and ended, where drags do not move the view (`mouse_pan`).
    on_confirm
        Called by a click of the right button.
    on_turn
        Takes by how many steps the wheel was turned; says whether that was for a tool, and not for the view.
    """

    on_click: Callable[[Pixel], None]
    on_drag: Callable[[Pixel, Pixel], None]
    on_confirm: Callable[[], None]
    on_turn: Callable[[int], bool]

    def attach(self, layer: Labels) -> None:
        """Listen to a layer."""
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.mouse_wheel_callbacks.append(self._on_wheel)

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        """Take a press of the mouse without a drag as a click; the right button does what is previewed."""
        if layer.mode != "pan_zoom":
            return
        pressed_at, button, first = np.array(event.pos), event.button, pixel_at(layer, event.position)
        yield
        while event.type == "mouse_move":
            yield
        last = pixel_at(layer, event.position)
        if np.abs(np.array(event.pos) - pressed_at).max() > _LARGEST_MOVE:
            if button == 1 and not layer.mouse_pan and first is not None and last is not None:
                self.on_drag(first, last)
        elif button == 2:
            self.on_confirm()
        elif last is not None:
            self.on_click(last)

    def _on_wheel(self, layer: Labels, event: Any) -> None:
        turned = float(event.delta[1])
        if turned and layer.mode == "pan_zoom" and self.on_turn(1 if turned > 0 else -1):
            event.handled = True


def pixel_at(layer: Labels, world: Sequence[float]) -> Pixel | None:
    """Return the pixel of a layer at a place in world coordinates, None where there is none."""
    pixel = tuple(int(at) for at in np.round(layer.world_to_data(world)[-layer.ndim :]))
    is_inside = all(0 <= at < n for at, n in zip(pixel, layer.data.shape, strict=True))
    return pixel if is_inside else None


@dataclass(frozen=True, slots=True)
class PreviewLayer:
    """Layer with the outlines of what a tool is about to do.

    Parameters
    ----------
    viewer
        Where.
    marks
        By which the layer is known again, beside its kind.
    role
        Role of the layer.
    """

    viewer: ViewerModel
    role: Role
    marks: tuple[tuple[str, object], ...] = ()

    def show(self, preview: EditPreview | None, start: Sequence[int], image: Image | None) -> None:
        """Show a preview, None for nothing.

        Parameters
        ----------
        start
            Pixel of the image where the first pixel of the labels lies.
        image
            The layer of the image.
        """
        marks = dict(self.marks) | {"kind": "preview"}
        shown = find_layer(self.viewer, self.role, **marks)
        if preview is None or image is None:
            if shown is not None:
                set_visible(shown, False)
            return
        place = placed(image, [a + b for a, b in zip(preview.start, start, strict=True)])
        if isinstance(shown, Labels):
            shown.data = preview.parts
            shown.translate = place["translate"]
            set_visible(shown, True)
            return
        layer = Labels(
            preview.parts,
            name=f"{image.name} · what the tool would do",
            opacity=0.8,
            metadata=mark(self.role, **marks),
            colormap=_preview_colours(),
            **place,
        )
        layer.contour = 1
        layer.editable = False
        add_aside(self.viewer, layer)


def _preview_colours() -> DirectLabelColormap:
    colours: dict[int | None, Any] = {None: _COLOURS[-1], 0: "transparent"}
    colours |= dict(enumerate(_COLOURS, 1))
    return DirectLabelColormap(color_dict=colours)
