"""A box on the image that shows how large a tile is."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.camera import centre_of_view
from napari_graft._napari.images import shape_of
from napari_graft._napari.layers import find_layer, mark, remove_layers
from napari_graft._napari.placing import placed

_COLOUR = "#ffd54f"


def show_tile_box(viewer: ViewerModel, image: Image, side: int) -> None:
    """Draw a tile of `side` pixels in the middle of what is seen of an image."""
    hide_tile_box(viewer)
    shape = shape_of(image)
    ndim = len(shape)
    centre = np.asarray(image.world_to_data(centre_of_view(viewer))[-ndim:])
    lengths = np.minimum(side, shape[-2:])
    starts = np.clip(centre[-2:] - lengths / 2, 0, np.asarray(shape[-2:]) - lengths)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]]) * lengths + starts
    before = np.broadcast_to(centre[:-2], (4, ndim - 2)).round()
    active = viewer.layers.selection.active
    viewer.add_shapes(
        [np.hstack([before, corners])],
        shape_type="rectangle",
        face_color="transparent",
        edge_color=_COLOUR,
        edge_width=max(1.0, side / 100),
        name=f"{image.name} · tile size",
        metadata=mark("tiles", kind="size"),
        **placed(image),
    )
    viewer.layers.selection.active = active


def hide_tile_box(viewer: ViewerModel) -> None:
    """Remove the box."""
    if find_layer(viewer, "tiles", kind="size") is not None:
        remove_layers(viewer, "tiles", kind="size")
