"""A comparison in a viewer: the layers of each model, side by side, on each other, or one at a time."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import label_colormap
from psygnal import Signal

from napari_graft._napari.layers import add_aside, details_of, mark, our_layers, set_visible
from napari_graft._napari.overlays.field_of_view import camera_of, show_tile
from napari_graft._napari.placement import placed
from napari_graft.core.strings import shorten
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions

_SEED, _N_COLOURS = 0.5, 49
_OUTLINE = 2
_CAPTION_SIZE, _LONGEST_CAPTION = 8, 42
_RED = {"colors": [[0.9, 0.1, 0.1, 0.0], [0.9, 0.1, 0.1, 0.75]], "name": "disagreement"}


def comparison_layers(comparison: Comparison, image: Image) -> Iterator[Layer]:
    """Make the layers, hidden yet, from the lowest to the uppermost: the first model comes last."""
    n = len(comparison.choices)
    if comparison.disagreement is not None:
        yield _picture(comparison, image, n)
        shown = _arguments(comparison, image, "where they disagree", kind="disagreement", model=n)
        yield Image(
            comparison.disagreement, colormap=_RED, contrast_limits=(0, 1), blending="translucent", **shown
        )
    for m in reversed(range(n)):
        yield _picture(comparison, image, m)
        name = shorten(comparison.choices[m].title, _LONGEST_CAPTION)
        shown = _arguments(comparison, image, name, kind="segments", model=m)
        colours = label_colormap(_N_COLOURS, _SEED)
        layer = Labels(comparison.segments[m], colormap=colours, blending="translucent", **shown)
        layer.editable = False
        yield layer


def n_boxes(comparison: Comparison, display: DisplayOptions) -> int:
    """Return how many parts the grid has."""
    has_map = comparison.disagreement is not None and display.shows_disagreement
    return len(comparison.choices) + has_map


def apply_display(layer: Layer, display: DisplayOptions, comparison: Comparison) -> None:
    """Show a layer as a look wants it."""
    details, n = details_of(layer), len(comparison.choices)
    model, kind = details["model"], details["kind"]
    is_grid, is_front = display.mode == "grid", model == display.front
    if kind == "disagreement":
        set_visible(layer, display.shows_disagreement)
    elif kind == "image":
        # Outside the grid one picture does, the lowest.
        lowest = n - 1 if comparison.disagreement is None else n
        is_wanted = display.shows_disagreement or model < n
        set_visible(layer, is_wanted if is_grid else model == lowest)
    else:
        assert isinstance(layer, Labels)
        is_filled = is_grid or is_front or display.mode == "blink"
        layer.contour = 0 if is_filled else _OUTLINE
        layer.opacity = display.opacity if is_filled else 1.0
        set_visible(layer, is_front or display.mode != "blink")


def caption(layer: Layer) -> None:
    """Let the canvas show the name of a layer, unless it is that of a picture."""
    if details_of(layer)["kind"] != "image":
        layer.name_overlay.font_size = _CAPTION_SIZE
        layer.name_overlay.visible = True


def _picture(comparison: Comparison, image: Image, model: int) -> Image:
    limits = None if image.rgb else image.contrast_limits
    shown = _arguments(comparison, image, f"image {model + 1}", kind="image", model=model)
    return Image(comparison.image, colormap="gray", contrast_limits=limits, **shown)


def _arguments(comparison: Comparison, image: Image, name: str, **details: Any) -> dict[str, Any]:
    place = placed(image, comparison.tile.start)
    return {"name": name, "visible": False, "metadata": mark("preview", **details)} | place


BLINK_KEY = "B"
_ANY_SHAPE = (-1, -1)
"""As many rows and columns as are needed."""
_views: weakref.WeakKeyDictionary[ViewerModel, ComparisonView] = weakref.WeakKeyDictionary()


def comparison_view_of(viewer: ViewerModel) -> ComparisonView:
    """Return the one comparison of a viewer, which all docks share."""
    if viewer not in _views:
        _views[viewer] = ComparisonView(viewer)
    return _views[viewer]


@dataclass(frozen=True, slots=True)
class _Before:
    """State of the viewer before a comparison was shown."""

    is_visible: list[tuple[Layer, bool]]
    active: Layer | None
    grid: tuple[int, tuple[int, int], bool]
    camera: tuple[tuple[float, ...], float]
    point: tuple[float, ...]


class ComparisonView:
    """View of what several models make of one place, in layers of its own that are removed afterwards.

    While it is shown all other layers are hidden. Layers that come and go meanwhile are told by `disturbed`;
    whoever shows the comparison then calls `settle`, once the list of layers is at rest. Once it is `closed`
    its layers are hidden, and whoever hears of it takes the steps of `clear_away`.

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
        self._display = DisplayOptions()
        self._n_added = 0
        self._is_changing_layers = False
        self.is_whole = False
        self.comparison: Comparison | None = None

    def show(self, comparison: Comparison, image: Image, display: DisplayOptions) -> Iterator[None]:
        """Show a comparison in place of the one before, step by step; layers lie where `image` does.

        A layer takes napari tens of milliseconds to make, and as long again to draw for the first time:
        whoever goes through the steps lets the window answer between them. Where the comparison is closed
        meanwhile there is no next step.
        """
        if self._before is not None:
            self.close()
        viewer = self._plain_viewer
        before = self._before = _remember(viewer)
        self.comparison, self._display, self._n_added, self.is_whole = comparison, display, 0, False
        for event in (viewer.layers.events.removed, viewer.layers.events.inserted):
            event.connect(self._on_layers_changed)
        return self._while_shown(before, chain(self.clear_away(), self._steps(viewer, comparison, image)))

    def apply(self, display: DisplayOptions) -> None:
        """Show the comparison in another way; one that is not whole yet will be shown in that way."""
        self._display = display
        if self.comparison is None or not self.is_whole:
            return
        viewer = self._plain_viewer
        for layer in our_layers(viewer, "preview"):
            apply_display(layer, display, self.comparison)
        _divide_canvas(viewer, display.mode == "grid")

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
        if len(ours) < self._n_added:
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
        """Hide the comparison, and show the other layers as they were."""
        before, self._before = self._before, None
        if before is None:
            return
        viewer = self._plain_viewer
        for event in (viewer.layers.events.removed, viewer.layers.events.inserted):
            event.disconnect(self._on_layers_changed)
        self.comparison, self.is_whole = None, False
        viewer.canvas.grid.enabled = False  # with it each change of a layer takes several times as long
        for layer in our_layers(viewer, "preview"):
            layer.metadata = layer.metadata | mark("dismissed")
            set_visible(layer, False)
        self._blink = None
        self._bind_blink_key()
        _restore(viewer, before)
        self.closed.emit()

    def clear_away(self) -> Iterator[None]:
        """Remove the layers of comparisons that are closed, one a step.

        napari collects garbage after each; all at once take it three times as long as the longest step.
        """
        viewer = self._plain_viewer
        for layer in list(our_layers(viewer, "dismissed")):
            yield
            if layer in viewer.layers:
                with self._changing_layers():
                    viewer.layers.remove(layer)

    def _while_shown(self, before: _Before, steps: Iterator[None]) -> Iterator[None]:
        while self._before is before:
            try:
                next(steps)
            except StopIteration:
                return
            yield

    def _steps(self, viewer: ViewerModel, comparison: Comparison, image: Image) -> Iterator[None]:
        """Add the layers hidden, and show them once the canvas is divided.

        To draw them in one part of the canvas and then in another takes twice the time, and so does a grid
        that grows with each.
        """
        for layer in comparison_layers(comparison, image):
            self._add(viewer, layer)
            yield
        for layer in [one for one in viewer.layers if one.visible]:
            layer.visible = False
            yield
        display = self._display
        _set_grid(viewer, display.mode == "grid", _shape_of_grid(n_boxes(comparison, display)))
        ours = sorted(our_layers(viewer, "preview"), key=_order_of_showing)
        for layer in ours:
            apply_display(layer, display, comparison)
            caption(layer)
            yield
            if layer is ours[0]:
                show_tile(viewer, image, comparison.tile)
        self._finish(viewer, display)

    def _add(self, viewer: ViewerModel, layer: Layer) -> None:
        with self._changing_layers():
            add_aside(viewer, layer)
        self._n_added += 1

    def _finish(self, viewer: ViewerModel, display: DisplayOptions) -> None:
        self.is_whole = True
        viewer.canvas.grid.shape = _ANY_SHAPE
        viewer.layers.selection.active = next(our_layers(viewer, "preview", kind="segments", model=0), None)
        self._bind_blink_key()
        if self._display is not display:
            self.apply(self._display)

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

    @contextmanager
    def _changing_layers(self) -> Iterator[None]:
        """Keep what is done to the list of layers here from being taken for the user's doing."""
        self._is_changing_layers = True
        try:
            yield
        finally:
            self._is_changing_layers = False

    def _on_layers_changed(self, event: Any) -> None:
        if not self._is_changing_layers:
            self.disturbed.emit()


def _order_of_showing(layer: Layer) -> tuple[int, bool]:
    """Put the models in their order, and pictures, which are drawn sooner, before objects."""
    details = details_of(layer)
    return details["model"], details["kind"] != "image"


def _divide_canvas(viewer: ViewerModel, is_grid: bool) -> None:
    """Switch the grid on or off; what was seen of the image then fills as much of its part of the canvas."""
    before = min(viewer.canvas.viewbox_size(viewer.layers))
    _set_grid(viewer, is_grid, _ANY_SHAPE)
    camera_of(viewer).zoom *= min(viewer.canvas.viewbox_size(viewer.layers)) / before


def _set_grid(viewer: ViewerModel, is_grid: bool, shape: tuple[int, int]) -> None:
    grid = viewer.canvas.grid
    # Counted from the top of the list, so that it does not matter which layers lie below ours.
    grid.stride, grid.shape, grid.enabled = -2, shape, is_grid


def _shape_of_grid(n: int) -> tuple[int, int]:
    """Return the rows and columns that napari chooses for `n` boxes once they are there."""
    n_columns = math.ceil(math.sqrt(n))
    return math.ceil(n / n_columns), n_columns


def _remember(viewer: ViewerModel) -> _Before:
    grid, camera = viewer.canvas.grid, camera_of(viewer)
    return _Before(
        is_visible=[(layer, layer.visible) for layer in viewer.layers],
        active=viewer.layers.selection.active,
        grid=(grid.stride, grid.shape, grid.enabled),
        camera=(camera.center, camera.zoom),
        point=viewer.dims.point,
    )


def _restore(viewer: ViewerModel, before: _Before) -> None:
    for layer, is_visible in before.is_visible:
        set_visible(layer, is_visible)
    grid = viewer.canvas.grid
    grid.stride, grid.shape, grid.enabled = before.grid
    if len(before.point) == viewer.dims.ndim:
        viewer.dims.point = before.point
        camera_of(viewer).center, camera_of(viewer).zoom = before.camera
    if before.active in viewer.layers:
        viewer.layers.selection.active = before.active
