"""Which part of an image is seen: as a tile, one slice thick, and how to bring a part of it into view."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from napari.components import Camera, ViewerModel
from napari.layers import Image
from numpy.typing import NDArray

from napari_graft._napari.images import project_image, shape_of
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile


def camera_of(viewer: ViewerModel) -> Camera:
    """Return the camera of a viewer."""
    return viewer.scene.camera


def centre_of_view(viewer: ViewerModel) -> NDArray[np.float64]:
    """Return the point in the middle of the canvas, in the slice that is shown, in world coordinates."""
    centre = np.array(viewer.dims.point, float)
    shown = camera_of(viewer).center[-viewer.dims.ndisplay :]
    for axis, value in zip(viewer.dims.displayed, shown, strict=True):
        centre[axis] = value
    return centre


def tile_around(centre: Sequence[float], side: int, shape: Sequence[int]) -> Tile:
    """Return the tile of `side` pixels around a place, moved so far that it lies in the image.

    Parameters
    ----------
    centre
        Pixel coordinates; may lie outside the image.
    side
        Side of the tile; the tile is smaller where the image is.
    shape
        Of the image.
    """
    lengths = [1] * (len(shape) - 2) + [min(side, n) for n in shape[-2:]]
    starts = [
        min(max(0, round(at - (length - 1) / 2)), n - length)
        for at, length, n in zip(centre, lengths, shape, strict=True)
    ]
    return Tile(tuple(starts), tuple(lengths))


def tile_between(low: Sequence[float], high: Sequence[float], shape: Sequence[int], longest: int) -> Tile:
    """Return the tile that covers the box between two places as far as it lies in the image.

    Parameters
    ----------
    low, high
        Pixel coordinates of two opposite corners.
    shape
        Of the image.
    longest
        A side that is longer is cut to this around its middle.

    Raises
    ------
    InputError
        If nothing of the image lies between them.
    """
    starts, lengths = [], []
    for axis, (a, b, n) in enumerate(zip(low, high, shape, strict=True)):
        first, last = max(0, round(a)), min(n - 1, round(b))
        if last < first:
            raise InputError("nothing of the image is seen: press the home button of napari to bring it back")
        most = longest if axis >= len(shape) - 2 else 1
        length = min(last - first + 1, most)
        starts.append(first + (last - first + 1 - length) // 2)
        lengths.append(length)
    return Tile(tuple(starts), tuple(lengths))


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
