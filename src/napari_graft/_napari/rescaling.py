"""Give an image another pixel size, and let what lies on it and what is seen of it follow."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_graft._napari.camera import camera_of, centre_of_view
from napari_graft._napari.field_of_view import show_place
from napari_graft._napari.images import pixel_size_of, shape_of
from napari_graft._napari.layers import details_of, our_layers
from napari_graft.core.axes import Axes


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
