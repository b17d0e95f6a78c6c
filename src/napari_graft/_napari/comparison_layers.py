"""The layers of a comparison: a picture and the objects of each model, and where they disagree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import label_colormap

from napari_graft._napari.layers import details_of, mark, set_visible
from napari_graft._napari.placing import placed
from napari_graft.core.words import shorten
from napari_graft.workbench.comparison import Comparison, DisplayOptions

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
