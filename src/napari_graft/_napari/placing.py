"""Where the pixels of an image lie in the world of a viewer, so that our layers lie on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_graft._napari.images import shape_of
from napari_graft.core.tile import Tile

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
