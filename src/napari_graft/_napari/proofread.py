"""The layer of a result that is proofread: clicks, strokes and keys on it, and what a tool is about to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_graft._napari.keys import PROOFREAD_KEYS, ProofreadAction
from napari_graft._napari.layers import find_layer, mark, our_layers, remove_layers, set_visible
from napari_graft._napari.object_tools import Pixel, PreviewLayer, ToolMouse, pixel_at
from napari_graft._napari.painting import annotation_colours
from napari_graft._napari.placement import placed
from napari_graft.core.labels import BACKGROUND
from napari_graft.core.tile import Tile
from napari_graft.proofreading.edit import Edit
from napari_graft.workbench.proofread.click_tools import EditPreview
from napari_graft.workbench.proofread.open_result import OpenResult

_OPACITY = 0.5


class ProofreadLayers:
    """Layers of the result that is proofread: its objects, and on top what a tool is about to do.

    Parameters
    ----------
    viewer
        Where.
    mouse
        What the mouse does.
    on_stroke
        Takes the edit that a stroke of napari's brush comes to; the labels are as before it.
    actions
        What to do for each key.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        mouse: ToolMouse,
        on_stroke: Callable[[Edit], None],
        actions: Mapping[ProofreadAction, Callable[[], None]],
    ) -> None:
        self._viewer = viewer
        self._mouse = mouse
        self._on_stroke = on_stroke
        self._preview = PreviewLayer(viewer, "proofread")
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
        self._mouse.attach(layer)
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

    def show_features(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Let the layer have the measurements of its objects as features, which napari shows."""
        layer = self.labels
        if layer is not None:
            # napari finds the row of an object by the column `index`; background has none.
            layer.features = {"index": columns["label"], **columns} if columns else {}

    def show_preview(self, preview: EditPreview | None, image: Image | None) -> None:
        """Show what a tool is about to do; None for nothing."""
        self._preview.show(preview, self._start, None if self.labels is None else image)

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

    def pixel_at(self, world: Sequence[float]) -> Pixel | None:
        """Return the pixel of the result at a place in world coordinates, None where there is none."""
        return None if self.labels is None else pixel_at(self.labels, world)

    def let_drags_merge(self, is_wanted: bool) -> None:
        """Let a drag of the mouse be for the tool in hand, or move the view."""
        layer = self.labels
        if layer is not None and layer.mode == "pan_zoom":
            layer.mouse_pan = not is_wanted

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


def _as_binding(action: Callable[[], None]) -> Callable[[object], None]:
    def binding(_: object) -> None:
        action()

    return binding
