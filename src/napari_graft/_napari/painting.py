"""The open tile in a viewer: the layer to paint on, the guess as contours, uncertainty as colours."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap
from numpy.typing import NDArray

from napari_graft._napari.layers import (
    Role,
    add_aside,
    details_of,
    find_layer,
    mark,
    remove_layers,
    set_visible,
)
from napari_graft._napari.overlays.tile_boxes import UNCERTAINTY_COLOURS
from napari_graft._napari.placement import look_at, placed
from napari_graft.core.labels import BACKGROUND, to_annotation, unused_object
from napari_graft.core.tile import Tile
from napari_graft.workbench.annotate.tile_painting import TilePainting

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


_ROLES: tuple[Role, ...] = ("labels", "guess", "uncertainty", "tool")
_N_COLOURS = 1021
_BACKGROUND_COLOUR = (0.0, 0.35, 1.0, 0.75)
_BACKGROUND_HUES = (0.48, 0.78)
"""No object has a hue near that of the background."""
_GOLDEN = 0.6180339887


class TileLayers:
    """Layers of the open tile; the next tile uses the same ones, which is quicker than making new ones.

    Parameters
    ----------
    viewer
        Where.
    on_made
        Takes the layer to paint on when it is new.
    """

    def __init__(self, viewer: ViewerModel, on_made: Callable[[Labels], None] = lambda layer: None) -> None:
        self._viewer = viewer
        self._on_made = on_made
        self._is_seen: dict[Role, bool] = {"guess": True, "uncertainty": False}
        self._guessed: NDArray[np.uint32] = np.zeros(0, np.uint32)

    @property
    def labels(self) -> Labels | None:
        """The layer to paint on, None where the user removed it."""
        found = find_layer(self._viewer, "labels", is_tile=True)
        return found if isinstance(found, Labels) else None

    @property
    def tile(self) -> Tile | None:
        """The tile that the layer to paint on shows."""
        return None if self.labels is None else tile_of(self.labels)

    def show(self, image: Image, painting: TilePainting) -> Iterator[None]:
        """Show a tile in place of the one before, step by step; one that is shown already is left as it is.

        What is painted on comes first. A layer takes napari a tenth of a second to make and as long again to
        draw for the first time: whoever goes through the steps lets the window answer between them.
        """
        is_new_place = self.tile != painting.tile
        guess = painting.guess
        self._guessed = np.zeros(0, np.uint32) if guess is None else to_annotation(guess.segments)
        layer = self._show_labels(image, painting)
        if is_new_place:
            self.take_new_label()
        yield
        steps: list[Callable[[], None]] = [
            lambda: self._take_up(layer),
            lambda: self._show_guess(image, painting),
            lambda: self._show_uncertainty(image, painting),
        ]
        if is_new_place:
            steps.insert(0, lambda: look_at(self._viewer, image, painting.tile, layer))
        for step in steps:
            if self.labels is not layer:  # the user removed it meanwhile
                return
            step()
            yield

    def look_at_tile(self, image: Image) -> None:
        """Bring the open tile into view."""
        if self.labels is not None and self.tile is not None:
            look_at(self._viewer, image, self.tile, self.labels)

    def take_new_label(self) -> None:
        """Paint a new object from now on, whose number no object of the guess has either."""
        if self.labels is not None:
            self.labels.selected_label = unused_object(self.labels.data, self._guessed)

    def take_background(self) -> None:
        """Paint background from now on."""
        if self.labels is not None:
            self.labels.selected_label = BACKGROUND

    def show_guess(self, is_shown: bool) -> None:
        """Show or hide the contours."""
        self._set_seen("guess", is_shown)

    def show_uncertainty(self, is_shown: bool) -> None:
        """Show or hide the colours."""
        self._set_seen("uncertainty", is_shown)

    def remove(self) -> Iterator[None]:
        """Remove the layers, one a step."""
        for role in _ROLES:
            remove_layers(self._viewer, role, is_tile=True)
            yield

    def _set_seen(self, role: Role, is_seen: bool) -> None:
        self._is_seen[role] = is_seen
        layer = find_layer(self._viewer, role, is_tile=True)
        if layer is not None:
            set_visible(layer, is_seen)

    def _take_up(self, layer: Labels) -> None:
        """Let the next stroke go to the layer."""
        set_visible(layer, True)
        layer.mode = "paint"
        self._viewer.layers.selection.active = layer

    def _show_labels(self, image: Image, painting: TilePainting) -> Labels:
        layer = self.labels
        if layer is None:
            layer = Labels(
                painting.labels.copy(),
                name=f"{image.name} · labels",
                opacity=0.5,
                metadata=mark("labels", is_tile=True, tile=painting.tile),
                **placed(image, painting.tile.start),
            )
            layer.colormap = annotation_colours()
            self._on_made(layer)
            add_aside(self._viewer, layer)
        elif tile_of(layer) != painting.tile or not np.array_equal(layer.data, painting.labels):
            _put(layer, painting.labels.copy(), image, painting.tile)
        return layer

    def _show_guess(self, image: Image, painting: TilePainting) -> None:
        layer = find_layer(self._viewer, "guess", is_tile=True)
        if painting.guess is None:
            if isinstance(layer, Labels):
                _put(layer, np.zeros(painting.tile.shape, np.uint32), image, painting.tile)
            return
        # The same number, and with it the same colour, as where the guess became labels.
        outlines = np.where(painting.guess.segments > 0, to_annotation(painting.guess.segments), 0)
        if isinstance(layer, Labels):
            _put(layer, outlines, image, painting.tile)
            layer.editable = False
            set_visible(layer, self._is_seen["guess"])
            return
        layer = Labels(
            outlines,
            name=f"{image.name} · guess",
            opacity=0.9,
            visible=self._is_seen["guess"],
            metadata=mark("guess", is_tile=True, tile=painting.tile),
            **placed(image, painting.tile.start),
        )
        layer.contour = 1
        layer.colormap = annotation_colours()
        layer.editable = False
        add_aside(self._viewer, layer)

    def _show_uncertainty(self, image: Image, painting: TilePainting) -> None:
        layer = find_layer(self._viewer, "uncertainty", is_tile=True)
        if painting.guess is None:
            if layer is not None:
                self._viewer.layers.remove(layer)
            return
        if isinstance(layer, Image):
            layer.data = painting.guess.uncertainty
            layer.translate = placed(image, painting.tile.start)["translate"]
            set_visible(layer, self._is_seen["uncertainty"])
            return
        layer = Image(
            painting.guess.uncertainty,
            name=f"{image.name} · uncertainty",
            colormap=UNCERTAINTY_COLOURS,
            contrast_limits=(0, 1),
            opacity=0.35,
            visible=self._is_seen["uncertainty"],
            metadata=mark("uncertainty", is_tile=True),
            **placed(image, painting.tile.start),
        )
        add_aside(self._viewer, layer, below=self.labels)


def tile_of(layer: Labels) -> Tile | None:
    """Return the tile that a layer to paint on shows, None for other layers."""
    details = details_of(layer)
    tile = details.get("tile") if details.get("role") == "labels" else None
    return tile if isinstance(tile, Tile) else None


@cache
def annotation_colours() -> CyclicLabelColormap:
    """Return the colours of labels: none where unlabelled, one of its own for the background.

    Objects are bright and full, so that they are seen on the greys of electron microscopy and on the black of
    fluorescence; numbers that follow each other have hues far apart.
    """
    first, last = _BACKGROUND_HUES
    hues = (last + np.arange(_N_COLOURS) * _GOLDEN % 1 * (1 - last + first)) % 1
    fullness = np.array([1.0, 0.65, 0.85])[np.arange(_N_COLOURS) % 3]
    bright = np.array([colorsys.hsv_to_rgb(hue, full, 1.0) for hue, full in zip(hues, fullness, strict=True)])
    colours = np.hstack([bright, np.ones((_N_COLOURS, 1))])
    colours[0] = 0
    colours[BACKGROUND] = _BACKGROUND_COLOUR
    return CyclicLabelColormap(colors=colours, background_value=0)


def _put(layer: Labels, labels: NDArray[np.uint32], image: Image, tile: Tile) -> None:
    """Show other labels in a layer, elsewhere."""
    # napari keeps the strokes to undo beside the labels, and forgets them while a layer is not editable.
    layer.editable = False
    layer.data = labels
    layer.translate = placed(image, tile.start)["translate"]
    layer.metadata = layer.metadata | mark(details_of(layer)["role"], is_tile=True, tile=tile)
    layer.editable = True
