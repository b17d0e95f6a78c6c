"""What a project needs to know of an image layer, read off it; its pixel size, and where its pixels lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_graft._napari.layers import KEY, details_of, find_layer, our_layers
from napari_graft.core.axes import SPATIAL_NAMES, Axes, nanometres_per
from napari_graft.core.errors import InputError
from napari_graft.io.layout import keep_axes, stored_array
from napari_graft.io.pixel_sizes import NO_NOTE, SizeNote, StatedSize, judge_sizes, state_size
from napari_graft.workbench.data.layer_image import LayerImage

ORIGIN = "the layer"
_PIXEL = "pixel"
_ROUNDING = 1e-6


def layer_size(layer: Image, axes: Sequence[int]) -> tuple[Axes, SizeNote]:
    """Return the length of a pixel along two or three axes of a layer, be it flipped or rotated.

    Parameters
    ----------
    axes
        The spatial axes among those of the layer, in order.

    Returns
    -------
    axes, note
        The pixel size, or none where no unit of length is given; where it is from, and what is odd.
    """
    names = SPATIAL_NAMES[-len(axes) :]
    placed = (
        layer.affine.linear_matrix
        @ Affine(scale=layer.scale, rotate=layer.rotate, shear=layer.shear).linear_matrix
    )
    steps = placed[np.ix_(axes, axes)]
    units = [str(layer.units[axis]) for axis in axes]
    if np.allclose(steps, np.diag(np.diag(steps)), rtol=0, atol=_ROUNDING * np.abs(steps).max()):
        return judge_sizes(names, [_upright(np.abs(np.diag(steps)).tolist(), units, names)])
    try:
        nanometres = steps * np.array([[nanometres_per(unit)] for unit in units])
    except InputError:
        return Axes(names), SizeNote(doubt=f"{ORIGIN} is rotated or sheared, without a unit of length")
    lengths = np.linalg.norm(nanometres, axis=0)
    stated = state_size(ORIGIN, {name: (float(n), "nm") for name, n in zip(names, lengths, strict=True)})
    found, note = judge_sizes(names, [stated])
    angles = nanometres.T @ nanometres / np.outer(lengths, lengths)
    if np.abs(angles - np.eye(len(axes))).max() > _ROUNDING and found.pixel_size is not None:
        note = replace(note, doubt="the layer is sheared: its pixels have no right angles")
    return found, note


def _upright(sizes: Sequence[float], units: Sequence[str], names: Sequence[str]) -> StatedSize:
    """Return what is said where no axis is mixed with another; a scale in pixels is one without a unit."""
    known = ["" if unit == _PIXEL else unit for unit in units]
    return state_size(
        ORIGIN,
        {name: (size, unit) for name, size, unit in zip(names, sizes, known, strict=True)},
    )


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
