"""The layer of a result that is proofread: clicks, strokes and keys on it, and what a tool is about to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

from napari_graft._napari.keys import PROOFREAD_KEYS, ProofreadAction
from napari_graft._napari.layers import add_aside, find_layer, mark, our_layers, remove_layers, set_visible
from napari_graft._napari.painting import annotation_colours
from napari_graft._napari.placement import placed
from napari_graft.core.labels import BACKGROUND
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.proofread.click_tools import EditPreview
from napari_graft.workbench.proofread.open_result import OpenResult

_OPACITY = 0.5
_COLOURS = ("#ffd54f", "#4dd0e1", "#ff8a65", "#ba68c8", "#aed581", "#f06292")
"""Of the parts that would come of an edit; the first is that of an object which was clicked."""
_LARGEST_MOVE = 4
"""Pixels of the screen that the mouse may move in a click."""


class ProofreadLayers:
    """Layers of the result that is proofread: its objects, and on top what a tool is about to do.

    Parameters
    ----------
    viewer
        Where.
    on_click
        Takes the pixel that was clicked.
    on_stroke
        Takes the edit that a stroke of napari's brush comes to; the labels are as before it.
    on_wheel
        Takes by how many steps the wheel was turned; says whether that was for a tool, and not for the view.
    actions
        What to do for each key.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        on_click: Callable[[tuple[int, ...]], None],
        on_stroke: Callable[[Edit], None],
        on_wheel: Callable[[int], bool],
        actions: Mapping[ProofreadAction, Callable[[], None]],
    ) -> None:
        self._viewer = viewer
        self._on_click = on_click
        self._on_stroke = on_stroke
        self._on_turn = on_wheel
        self._actions = actions
        self._start: tuple[int, ...] = ()
        self._is_taking_back = False
        self._hidden: list[Layer] = []

    @property
    def labels(self) -> Labels | None:
        """The layer with the objects, None where there is none."""
        found = find_layer(self._viewer, "proofread", kind="objects")
        return found if isinstance(found, Labels) else None

    def show(self, opened: OpenResult, image: Image) -> None:
        """Show a result in place of the one before, above all others; their layers are hidden."""
        self.remove()
        self._hidden = [one for one in our_layers(self._viewer, "result") if one.visible]
        for other in self._hidden:
            set_visible(other, False)
        self._start = opened.choice.region.start
        layer = Labels(
            opened.objects.labels,  # not a copy: tools change what is seen
            name=f"{image.name} · {opened.choice.title}, proofread",
            opacity=_OPACITY,
            colormap=_object_colours(),
            metadata=mark("proofread", kind="objects", file=str(opened.choice.file)),
            **placed(image, self._start),
        )
        layer.selected_label = max(opened.objects.ids(), default=0) + 1
        layer.mouse_drag_callbacks.append(self._on_press)
        layer.mouse_wheel_callbacks.append(self._on_wheel)
        layer.events.paint.connect(self._on_paint)
        for key in PROOFREAD_KEYS:
            layer.bind_key(key.key, _as_binding(self._actions[key.action]), overwrite=True)
        self._viewer.layers.append(layer)
        self.take_up()

    def take_up(self) -> None:
        """Let clicks and keys go to the layer, and napari's brush rest."""
        layer = self.labels
        if layer is not None:
            set_visible(layer, True)
            layer.mode = "pan_zoom"
            self._viewer.layers.selection.active = layer

    def refresh(self) -> None:
        """Draw the objects anew, after an edit."""
        layer = self.labels
        if layer is not None:
            layer.refresh(thumbnail=False, extent=False)

    def show_preview(self, preview: EditPreview | None, image: Image | None) -> None:
        """Show what a tool is about to do; None for nothing."""
        shown = find_layer(self._viewer, "proofread", kind="preview")
        if preview is None or image is None or self.labels is None:
            if shown is not None:
                set_visible(shown, False)
            return
        start = [a + b for a, b in zip(preview.start, self._start, strict=True)]
        if isinstance(shown, Labels):
            shown.data = preview.parts
            shown.translate = placed(image, start)["translate"]
            set_visible(shown, True)
            return
        layer = Labels(
            preview.parts,
            name=f"{image.name} · what the tool would do",
            opacity=0.8,
            metadata=mark("proofread", kind="preview"),
            colormap=_preview_colours(),
            **placed(image, start),
        )
        layer.contour = 1
        layer.editable = False
        add_aside(self._viewer, layer)

    def remove(self) -> None:
        """Remove the layers, and show again what was hidden for them."""
        remove_layers(self._viewer, "proofread")
        hidden, self._hidden = self._hidden, []
        for other in hidden:
            if other in self._viewer.layers:
                set_visible(other, True)

    def step_aside(self) -> None:
        """Hide the layers: something else is worked on."""
        for layer in our_layers(self._viewer, "proofread"):
            set_visible(layer, False)

    def pixel_at(self, world: Sequence[float]) -> tuple[int, ...] | None:
        """Return the pixel of the result at a place in world coordinates, None where there is none."""
        layer = self.labels
        if layer is None:
            return None
        pixel = tuple(int(at) for at in np.round(layer.world_to_data(world)[-layer.ndim :]))
        is_inside = all(0 <= at < n for at, n in zip(pixel, layer.data.shape, strict=True))
        return pixel if is_inside else None

    def _on_press(self, layer: Labels, event: Any) -> Iterator[None]:
        """Take a press of the mouse without a drag as a click; the right button does what is previewed."""
        if layer.mode != "pan_zoom":
            return
        pressed_at, button = np.array(event.pos), event.button
        yield
        while event.type == "mouse_move":
            yield
        if np.abs(np.array(event.pos) - pressed_at).max() > _LARGEST_MOVE:
            return
        if button == 2:
            self._actions["confirm"]()
            return
        pixel = self.pixel_at(event.position)
        if pixel is not None:
            self._on_click(pixel)

    def _on_wheel(self, layer: Labels, event: Any) -> None:
        turned = float(event.delta[1])
        if turned and self._on_turn(1 if turned > 0 else -1):
            event.handled = True

    def _on_paint(self, event: Any) -> None:
        """Hand a stroke of napari's brush over as an edit, and take it back: it is done once it is stored."""
        layer = self.labels
        if layer is None or self._is_taking_back:
            return
        box = _box_of([atom[0] for atom in event.value], layer.data.shape)
        after = layer.data[box.slices].copy()
        self._is_taking_back = True
        try:
            layer.undo()
        finally:
            self._is_taking_back = False
        self._on_stroke(Edit.from_regions("paint", box, layer.data[box.slices], after))


def _box_of(places: Sequence[Sequence[Any]], shape: tuple[int, ...]) -> Tile:
    """Return the box that holds pieces of a stroke, each a slice or an array of coordinates for each axis."""
    firsts, lasts = [], []
    for place in places:
        ends = [
            (axis.start, axis.stop - 1) if isinstance(axis, slice) else (int(np.min(axis)), int(np.max(axis)))
            for axis in place
        ]
        firsts.append([first for first, _ in ends])
        lasts.append([last for _, last in ends])
    start, last = np.min(firsts, axis=0), np.max(lasts, axis=0)
    return Tile(tuple(map(int, start)), tuple(map(int, last - start + 1))).clip(shape)


@cache
def _object_colours() -> CyclicLabelColormap:
    """Return the colours of what is painted, but that here 1 is an object as any other."""
    colours = annotation_colours().colors.copy()
    colours[BACKGROUND] = colours[-1]
    return CyclicLabelColormap(colors=colours, background_value=0)


def _preview_colours() -> DirectLabelColormap:
    colours: dict[int | None, Any] = {None: _COLOURS[-1], 0: "transparent"}
    colours |= dict(enumerate(_COLOURS, 1))
    return DirectLabelColormap(color_dict=colours)


def _as_binding(action: Callable[[], None]) -> Callable[[object], None]:
    def binding(_: object) -> None:
        action()

    return binding
