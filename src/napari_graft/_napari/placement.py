"""How pixels lie in napari's world: our layers on an image, and what follows a new pixel size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_graft._napari.images import pixel_size_of, shape_of
from napari_graft._napari.layers import details_of, our_layers
from napari_graft._napari.overlays.field_of_view import camera_of, centre_of_view, show_place
from napari_graft.core.axes import Axes
from napari_graft.core.tile import Tile

LayerData: TypeAlias = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, the layer's arguments, and its type."""


def placement(axes: Axes) -> dict[str, Any]:
    """Return the arguments that place a layer by the pixel size of its image, none where that is unknown."""
    if axes.pixel_size is None:
        return {}
    return {"scale": axes.pixel_size, "units": (axes.unit,) * axes.ndim}


_MARGIN = 1 / 3


def placed(image: Image, start: Sequence[int] | None = None) -> dict[str, Any]:
    """Return scale, translation and units of a layer whose first pixel lies on pixel `start` of an image."""
    ndim = len(shape_of(image))
    scale, origin = np.asarray(image.scale[-ndim:]), np.asarray(image.translate[-ndim:])
    offset = np.zeros(ndim) if start is None else np.asarray(start)
    return {"scale": scale, "translate": origin + scale * offset, "units": image.units[-ndim:]}


def corners(tile: Tile) -> np.ndarray:
    """Return the four corners of a tile in its first slice, half a pixel outside the pixel centres."""
    (top, left), (height, width) = tile.start[-2:], tile.shape[-2:]
    origin = np.array([top - 0.5, left - 0.5])
    square = np.array([[0, 0], [0, width], [height, width], [height, 0]]) + origin
    before = np.broadcast_to(np.array(tile.start[:-2], float), (4, tile.ndim - 2))
    return np.hstack([before, square])


def look_at(viewer: ViewerModel, image: Image, tile: Tile, layer: Layer) -> None:
    """Show a tile, which `layer` covers, so that it fills two thirds of the canvas, in its slice."""
    viewer.dims.ndisplay = 2
    viewer.dims.order = tuple(range(viewer.dims.ndim))
    place = placed(image, tile.start)["translate"]
    for axis in range(tile.ndim - 2):
        viewer.dims.set_point(viewer.dims.ndim - tile.ndim + axis, float(place[axis]))
    viewer.fit_to_view(layers=[layer], margin=_MARGIN)


def rescale(viewer: ViewerModel, image: Image, axes: Axes) -> None:
    """Place a project's image by a pixel size; where that is unknown, or as it is placed already, it stays.

    Our layers lie on the same pixels as before, and the same pixel is in the middle of the canvas.
    """
    wanted = axes.pixel_size_in("nm")
    if wanted is None or axes.pixel_size is None:
        return
    known = pixel_size_of(image)
    if known is not None and np.allclose(known, wanted, rtol=1e-6, atol=0):
        return
    ndim = len(shape_of(image))
    place = np.asarray(image.world_to_data(centre_of_view(viewer)))[-image.ndim :]
    before = np.asarray(image.scale[-ndim:], float)
    signs = np.where(before < 0, -1.0, 1.0)  # an image that is shown mirrored stays so
    factors = signs * np.asarray(axes.pixel_size) / before
    for layer in [image, *_on_image(viewer, image)]:
        _stretch(layer, factors, (axes.unit,) * ndim)
    camera_of(viewer).zoom /= abs(float(factors[-1]))
    show_place(viewer, image, list(place))


def _on_image(viewer: ViewerModel, image: Image) -> list[Layer]:
    project = details_of(image).get("project")
    ours = (layer for layer in our_layers(viewer) if layer is not image)
    return [
        layer
        for layer in ours
        if details_of(layer).get("project", project) == project
        and details_of(layer).get("role") not in ("image", "truth")
    ]


def _stretch(layer: Layer, factors: np.ndarray, units: tuple[str, ...]) -> None:
    """Stretch a layer about the origin of the world along its last axes."""
    scale, translate = np.array(layer.scale, float), np.array(layer.translate, float)
    n = min(len(factors), layer.ndim)
    scale[-n:] *= factors[-n:]
    translate[-n:] *= factors[-n:]
    layer.scale, layer.translate = scale, translate
    layer.units = (*layer.units[: layer.ndim - n], *units[-n:])
