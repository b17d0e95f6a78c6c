"""Read off an image layer what a project needs to know."""

from __future__ import annotations

from pathlib import Path

from napari.components import ViewerModel
from napari.layers import Image

from napari_graft._napari.layer_scale import layer_size
from napari_graft._napari.layers import KEY, details_of, find_layer, our_layers
from napari_graft.core.axes import SPATIAL_NAMES, Axes
from napari_graft.io.layout import keep_axes, stored_array
from napari_graft.io.pixel_sizes import NO_NOTE
from napari_graft.workbench.layer_image import LayerImage

_NOT_AN_IMAGE = ("uncertainty", "disagreement", "preview", "dismissed")


def image_layers(viewer: ViewerModel) -> list[Image]:
    """Return the image layers that the user may want to segment, the uppermost first."""
    images = [layer for layer in reversed(viewer.layers) if isinstance(layer, Image)]
    return [layer for layer in images if details_of(layer).get("role") not in _NOT_AN_IMAGE]


def shape_of(image: Image) -> tuple[int, ...]:
    """Return the pixels along each spatial axis, of the finest level, without leading axes of one pixel."""
    shape = _whole_shape(image)
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _whole_shape(image: Image) -> tuple[int, ...]:
    data = image.data[0] if image.multiscale else image.data
    return tuple(data.shape[: data.ndim - 1] if image.rgb else data.shape)


def _long_axes(image: Image) -> list[int]:
    """Return the spatial axes without those of one pixel, at least two."""
    shape = _whole_shape(image)
    long = [axis for axis, n in enumerate(shape) if n > 1]
    return long if len(long) > 1 else list(range(len(shape)))[-2:]


def describe_layer(layer: Image) -> LayerImage:
    """Describe an image layer: 2-D or a stack, RGB, multiscale (its finest level), of any array kind.

    Axes of one pixel, as of a single time point or channel, are left out.
    """
    axes = _long_axes(layer)
    size, note = layer_size(layer, axes) if len(axes) in (2, 3) else (None, NO_NOTE)
    data = layer.data[0] if layer.multiscale else layer.data
    return LayerImage(
        name=layer.name,
        data=keep_axes(data, (*axes, data.ndim - 1) if layer.rgb else tuple(axes)),
        has_channels=bool(layer.rgb),
        pixel_size=None if size is None else size.pixel_size,
        unit="nm" if size is None else size.unit,
        path=layer.source.path,
        layer=str(layer.unique_id),
        project=details_of(layer).get("project") if details_of(layer).get("role") == "image" else None,
        size_note=note,
    )


def find_described(viewer: ViewerModel, image: LayerImage) -> Image | None:
    """Return the layer that was described, None where it is gone or has other pixels by now."""
    layers = [layer for layer in image_layers(viewer) if str(layer.unique_id) == image.layer]
    for layer in layers:
        is_on_its_pixels = describe_layer(layer).shape == shape_of(layer) == image.shape
        if is_on_its_pixels and stored_array(describe_layer(layer).data) is stored_array(image.data):
            return layer
    return None


def mark_image(layer: Image, folder: Path) -> None:
    """Note on a layer that it is the image of the project in `folder`."""
    layer.metadata[KEY] = details_of(layer) | {"role": "image", "project": str(folder)}


def unmark_images(viewer: ViewerModel, folder: Path) -> None:
    """Forget which layers show the image of the project in `folder`, so that they are like any other."""
    for layer in our_layers(viewer, "image", project=str(folder)):
        del layer.metadata[KEY]


def project_image(viewer: ViewerModel, folder: Path) -> Image | None:
    """Return the layer that shows the image of a project, None where the user removed it."""
    return find_layer(viewer, "image", project=str(folder))


def pixel_size_of(layer: Image) -> tuple[float, ...] | None:
    """Return the length of a pixel along each spatial axis in nanometres, None where that is not known."""
    image = describe_layer(layer)
    return Axes(SPATIAL_NAMES[-len(image.shape) :], image.pixel_size, image.unit).pixel_size_in("nm")
