"""A comparison in a viewer: side by side in the grid, on each other, or one at a time."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.utils.colormaps import label_colormap
from psygnal import Signal

from napari_graft._napari.camera import camera_of
from napari_graft._napari.field_of_view import show_tile
from napari_graft._napari.layers import details_of, mark, our_layers, remove_layers
from napari_graft.workbench.comparison import Comparison, Look

BLINK_KEY = "B"
_SEED, _N_COLOURS = 0.5, 49
_OUTLINE = 2
_CAPTION_SIZE, _LONGEST_CAPTION = 8, 42
_RED = {"colors": [[0.9, 0.1, 0.1, 0.0], [0.9, 0.1, 0.1, 0.75]], "name": "disagreement"}
_views: weakref.WeakKeyDictionary[ViewerModel, ComparisonView] = weakref.WeakKeyDictionary()


def comparison_view_of(viewer: ViewerModel) -> ComparisonView:
    """Return the one comparison of a viewer, which all docks share."""
    if viewer not in _views:
        _views[viewer] = ComparisonView(viewer)
    return _views[viewer]


@dataclass(frozen=True, slots=True)
class _Before:
    """Remember how the viewer was."""

    n_ours: int
    is_visible: list[tuple[Layer, bool]]
    active: Layer | None
    grid: tuple[bool, int, tuple[int, int]]
    camera: tuple[tuple[float, ...], float]
    point: tuple[float, ...]


class ComparisonView:
    """Show what several models make of one place, with layers of its own, and put all back afterwards.

    While it is shown all other layers are hidden. Layers that come and go meanwhile are told by `disturbed`;
    whoever shows the comparison then calls `settle`, once the list of layers is at rest.

    Parameters
    ----------
    viewer
        Where.
    """

    closed = Signal()
    disturbed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self._before: _Before | None = None
        self._blink: Callable[[object], None] | None = None
        self._bound: list[tuple[weakref.ref[ViewerModel | Layer], Any]] = []
        self.comparison: Comparison | None = None

    def show(self, comparison: Comparison, image: Image, look: Look) -> None:
        """Show a comparison in place of the one before; layers lie where `image` does."""
        viewer = self._plain_viewer
        if self._before is not None:
            self.close()
        self._before = _remember(viewer, n_ours=_n_layers(comparison))
        self.comparison = comparison
        for layer in viewer.layers:
            layer.visible = False
        _add_layers(viewer, comparison, image)
        self.apply(look)
        for event in (viewer.layers.events.removed, viewer.layers.events.inserted):
            event.connect(self._on_layers_changed)
        show_tile(viewer, image, comparison.tile)

    def apply(self, look: Look) -> None:
        """Show the comparison in another way."""
        viewer = self._plain_viewer
        if self.comparison is None:
            return
        is_grid = look.mode == "grid"
        lowest = max((details_of(layer)["model"] for layer in our_layers(viewer, "preview")), default=0)
        for layer in our_layers(viewer, "preview"):
            details = details_of(layer)
            model, kind = details["model"], details["kind"]
            is_front = model == look.front
            if kind == "disagreement":
                layer.visible = look.shows_disagreement
            elif kind == "image":
                # Outside the grid one picture does, the lowest.
                is_wanted = look.shows_disagreement or model < len(self.comparison.choices)
                layer.visible = is_wanted if is_grid else model == lowest
            else:
                layer.visible = is_front or look.mode != "blink"
                layer.contour = 0 if is_grid or is_front or look.mode == "blink" else _OUTLINE
                layer.opacity = look.opacity if layer.contour == 0 else 1.0
        _divide_canvas(viewer, is_grid)

    def answer_to_blink_key(self, answer: Callable[[object], None]) -> None:
        """Call `answer` when `BLINK_KEY` is pressed, until the comparison closes, whichever layer is active.

        napari asks the active layer first, and layers of labels have a use of their own for the key; so until
        then all layers get it.
        """
        self._blink = answer
        self._bind_blink_key()

    def settle(self) -> None:
        """Close where the user removed a layer of the comparison; hide and put below what others added."""
        if self._before is None:
            return
        viewer = self._plain_viewer
        ours = list(our_layers(viewer, "preview"))
        if len(ours) < self._before.n_ours:
            self.close()
            return
        known = [layer for layer, _ in self._before.is_visible]
        for layer in [one for one in viewer.layers if one not in ours and one not in known]:
            self._before.is_visible.append((layer, layer.visible))
            layer.visible = False
        self._bind_blink_key()
        # The grid puts layers together by their places, counted from the top.
        viewer.layers.move_multiple([viewer.layers.index(layer) for layer in ours], len(viewer.layers))

    def close(self) -> None:
        """Remove the comparison, and show the other layers as they were."""
        before, self._before = self._before, None
        if before is None:
            return
        viewer = self._plain_viewer
        for event in (viewer.layers.events.removed, viewer.layers.events.inserted):
            event.disconnect(self._on_layers_changed)
        self.comparison = None
        with viewer.layers.batched_update():  # else napari collects garbage for each layer
            remove_layers(viewer, "preview")
            self._blink = None
            self._bind_blink_key()
            _restore(viewer, before)
        self.closed.emit()

    def _bind_blink_key(self) -> None:
        """Take the key where it is not ours yet, or give it back to what was bound to it before."""
        viewer = self._plain_viewer
        if self._blink is None:
            for owner, before in self._bound:
                if (one := owner()) is not None:
                    one.bind_key(BLINK_KEY, before, overwrite=True)
            self._bound = []
            return
        ours = [owner() for owner, _ in self._bound]
        for one in (viewer, *viewer.layers):
            before = one.bind_key(BLINK_KEY, self._blink, overwrite=True)
            if not any(one is other for other in ours):
                self._bound.append((weakref.ref(one), before))

    @property
    def _plain_viewer(self) -> ViewerModel:
        viewer = self._viewer()
        assert viewer is not None  # whoever asks holds the viewer
        return viewer

    def _on_layers_changed(self, event: Any) -> None:
        self.disturbed.emit()


def _divide_canvas(viewer: ViewerModel, is_grid: bool) -> None:
    """Switch the grid on or off; what was seen of the image then fills as much of its part of the canvas."""
    grid, before = viewer.canvas.grid, min(viewer.canvas.viewbox_size(viewer.layers))
    # Counted from the top of the list, so that it does not matter which layers lie below ours.
    grid.stride, grid.shape, grid.enabled = -2, (-1, -1), is_grid
    camera_of(viewer).zoom *= min(viewer.canvas.viewbox_size(viewer.layers)) / before


def _add_layers(viewer: ViewerModel, comparison: Comparison, image: Image) -> None:
    """Add a picture and the objects for each model, and a picture and the map, the first model uppermost."""
    n = len(comparison.choices)
    if comparison.disagreement is not None:
        _add_picture(viewer, comparison, image, n)
        shown = _placed(comparison, image, "where they disagree", kind="disagreement", model=n)
        layer = viewer.add_image(
            comparison.disagreement, colormap=_RED, contrast_limits=(0, 1), blending="translucent", **shown
        )
        _caption(layer)
    for m in reversed(range(n)):
        _add_picture(viewer, comparison, image, m)
        shown = _placed(comparison, image, _short(comparison.choices[m].title), kind="segments", model=m)
        layer = viewer.add_labels(
            comparison.segments[m],
            colormap=label_colormap(_N_COLOURS, _SEED),
            blending="translucent",
            **shown,
        )
        layer.editable = False
        _caption(layer)


def _caption(layer: Layer) -> None:
    """Let the canvas show the name of a layer."""
    layer.name_overlay.font_size = _CAPTION_SIZE
    layer.name_overlay.visible = True


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_CAPTION else f"{title[: _LONGEST_CAPTION - 1]}…"


def _n_layers(comparison: Comparison) -> int:
    return 2 * len(comparison.segments) + (0 if comparison.disagreement is None else 2)


def _add_picture(viewer: ViewerModel, comparison: Comparison, image: Image, model: int) -> None:
    shown = _placed(comparison, image, f"image {model + 1}", kind="image", model=model)
    limits = None if image.rgb else image.contrast_limits
    viewer.add_image(comparison.image, colormap="gray", contrast_limits=limits, **shown)


def _placed(comparison: Comparison, image: Image, name: str, **details: Any) -> dict[str, Any]:
    """Return what puts a layer of the tile where the tile is in the image."""
    ndim = len(comparison.tile.shape)
    return {
        "name": name,
        "metadata": mark("preview", **details),
        "scale": image.scale[-ndim:],
        "translate": np.asarray(image.data_to_world(comparison.tile.start))[-ndim:],
        "units": image.units[-ndim:],
    }


def _remember(viewer: ViewerModel, n_ours: int) -> _Before:
    grid, camera = viewer.canvas.grid, camera_of(viewer)
    return _Before(
        n_ours=n_ours,
        is_visible=[(layer, layer.visible) for layer in viewer.layers],
        active=viewer.layers.selection.active,
        grid=(grid.enabled, grid.stride, grid.shape),
        camera=(camera.center, camera.zoom),
        point=viewer.dims.point,
    )


def _restore(viewer: ViewerModel, before: _Before) -> None:
    grid = viewer.canvas.grid
    grid.enabled, grid.stride, grid.shape = before.grid
    for layer, is_visible in before.is_visible:
        layer.visible = is_visible
    if len(before.point) == viewer.dims.ndim:
        viewer.dims.point = before.point
        camera_of(viewer).center, camera_of(viewer).zoom = before.camera
    if before.active in viewer.layers:
        viewer.layers.selection.active = before.active
