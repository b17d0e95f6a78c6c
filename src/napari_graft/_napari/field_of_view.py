"""Which part of an image is seen, and how to bring a part of it into view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray

from napari_graft._napari.camera import camera_of, centre_of_view
from napari_graft._napari.images import project_image, shape_of
from napari_graft.core.tile import Tile
from napari_graft.workbench.places import tile_around, tile_between

_FILLED = 0.92
"""Share of the canvas that a tile fills once it is brought into view."""


def tile_in_view(viewer: ViewerModel, image: Image, side: int) -> Tile:
    """Return the tile of `side` pixels in the middle of what is seen, in the slice that is shown."""
    shape = shape_of(image)
    return tile_around(_to_pixels(image, centre_of_view(viewer), len(shape)), side, shape)


def tile_over_view(viewer: ViewerModel, image: Image, longest: int) -> Tile:
    """Return what is seen of the slice that is shown, at most `longest` pixels along y and x.

    Raises
    ------
    InputError
        If nothing of the image is seen.
    """
    shape, centre = shape_of(image), centre_of_view(viewer)
    half = np.zeros(len(centre))
    half[list(viewer.dims.displayed[-2:])] = (
        np.array(viewer.canvas.viewbox_size(viewer.layers)) / camera_of(viewer).zoom / 2
    )
    corners = [_to_pixels(image, centre + sign * half, len(shape)) for sign in (-1, 1)]
    low, high = zip(*(sorted(pair) for pair in zip(*corners, strict=True)), strict=True)
    return tile_between(low, high, shape, longest)


def pixel_looked_at(viewer: ViewerModel, folder: Path) -> tuple[int, ...] | None:
    """Return the pixel in the middle of what is seen of a project's image, None where that is not shown."""
    image = project_image(viewer, folder)
    if image is None:
        return None
    at_centre = image.world_to_data(centre_of_view(viewer)[-image.ndim :])[-len(shape_of(image)) :]
    return tuple(int(np.floor(at)) for at in at_centre)


def show_tile(viewer: ViewerModel, image: Image, tile: Tile) -> None:
    """Move the camera so that a tile fills the canvas, or each part of it in the grid, and show its slice."""
    show_place(viewer, image, [a + (n - 1) / 2 for a, n in zip(tile.start, tile.shape, strict=True)])
    lengths = np.array(tile.shape[-2:]) * np.abs(image.scale[-2:])
    boxes = np.array(viewer.canvas.viewbox_size(viewer.layers))
    camera_of(viewer).zoom = _FILLED * float((boxes / lengths).min())


def show_place(viewer: ViewerModel, image: Image, pixel: Sequence[float]) -> None:
    """Move the camera to a pixel of an image, and show its slice."""
    leading = (0.0,) * (image.ndim - len(pixel))
    world = np.asarray(image.data_to_world((*leading, *pixel)))
    first = viewer.dims.ndim - len(world)
    for axis in viewer.dims.not_displayed:
        if axis >= first:
            viewer.dims.set_point(axis, world[axis - first])
    camera_of(viewer).center = tuple(world[axis - first] for axis in viewer.dims.displayed)


def _to_pixels(image: Image, world: NDArray[np.float64], ndim: int) -> tuple[float, ...]:
    return tuple(float(at) for at in image.world_to_data(world)[-ndim:])
