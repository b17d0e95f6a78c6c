"""Our layers in a viewer: known by their metadata and never by their name, which the user may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from napari.components import ViewerModel
from napari.layers import Layer

KEY = "napari_graft"
Role = Literal[
    "image", "guess", "labels", "uncertainty", "result", "tiles", "truth", "disagreement",
    "preview", "dismissed", "proofread", "tool",
]  # fmt: skip
"""A layer of a preview is dismissed once its comparison is closed, until it is removed."""


def mark(role: Role, **details: Any) -> dict[str, dict[str, Any]]:
    """Return the metadata of a layer of ours."""
    return {KEY: {"role": role} | details}


def details_of(layer: Layer) -> dict[str, Any]:
    """Return what we noted about a layer, empty for layers of others."""
    found = layer.metadata.get(KEY)
    return found if isinstance(found, dict) else {}


def our_layers(viewer: ViewerModel, role: Role | None = None, **details: Any) -> Iterator[Layer]:
    """Yield our layers of a role, all where it is None, whose notes hold `details`."""
    for layer in list(viewer.layers):
        noted = details_of(layer)
        is_wanted = noted and (role is None or noted.get("role") == role)
        if is_wanted and all(noted.get(name) == value for name, value in details.items()):
            yield layer


def find_layer(viewer: ViewerModel, role: Role, **details: Any) -> Layer | None:
    """Return our first layer of a role, None where the user removed it or it was never made."""
    return next(our_layers(viewer, role, **details), None)


def remove_layers(viewer: ViewerModel, role: Role, **details: Any) -> None:
    """Remove our layers of a role."""
    for layer in our_layers(viewer, role, **details):
        if layer in viewer.layers:
            viewer.layers.remove(layer)


def set_visible(layer: Layer, is_visible: bool) -> None:
    """Show or hide a layer.

    napari leaves the tool of a layer when it is told to show what it shows already, and draws all anew.
    """
    if layer.visible != is_visible:
        layer.visible = is_visible


def add_aside(viewer: ViewerModel, layer: Layer, *, below: Layer | None = None) -> None:
    """Add a layer on top, or below another one, and leave the active one as it is.

    To make each layer the active one takes napari as long as to add it; it offers no public way around that.
    """
    layers = viewer.layers
    layers._activate_on_insert = False
    try:
        layers.insert(len(layers) if below is None else layers.index(below), layer)
    finally:
        layers._activate_on_insert = True
