"""Size, shape and intensity of objects, in units of length where the pixel size is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.axes import Axes, short_unit
from napari_graft.core.tile import Tile

_SHAPE = {
    2: ("equivalent_diameter_area", "axis_major_length", "axis_minor_length", "eccentricity", "solidity"),
    3: ("equivalent_diameter_area", "axis_major_length", "extent"),
}
_NAMES = {
    "equivalent_diameter_area": "equivalent_diameter",
    "axis_major_length": "major_axis",
    "axis_minor_length": "minor_axis",
}
_LENGTHS = tuple(_NAMES)
_WITHOUT_SIZE = "px"
_ID_BITS = 32
IDENTITY = ("label", "n_pixels", "touches_border", "n_neighbours")
"""The first columns of every table."""


def unit_of(axes: Axes) -> str:
    """Return the short name of the unit of lengths along axes, ``px`` where the pixel size is not known."""
    return _WITHOUT_SIZE if axes.pixel_size is None else short_unit(axes.unit)


def measure_object(
    pixels: NDArray[np.bool_], box: Tile, axes: Axes, image: NDArray[Any] | None, channels: Sequence[str]
) -> dict[str, float]:
    """Return the measurements of one object by name, with the unit at the end of the name.

    Lengths are those of `skimage.measure.regionprops`. A centroid is the distance from the centre of the
    first pixel of the whole image. Intensities are those of the file, without a unit.

    Parameters
    ----------
    pixels
        (*spatial) bool: which pixels of the box belong to the object; at least one.
    box
        Where it is in the whole image.
    axes
        Names and physical size of the axes.
    image
        (*spatial) or (*spatial, C), the pixels of the box; None where no image is at hand.
    channels
        Names of the C channels; empty for a grey image.
    """
    from skimage.measure import regionprops

    ndim, unit = axes.ndim, unit_of(axes)
    spacing = axes.pixel_size or (1.0,) * ndim
    (region,) = regionprops(pixels.astype(np.uint8), spacing=spacing)
    found = {f"area_{unit}2" if ndim == 2 else f"volume_{unit}3": float(region.area)}
    for name in _SHAPE[ndim]:
        ending = f"_{unit}" if name in _LENGTHS else ""
        found[f"{_NAMES.get(name, name)}{ending}"] = float(region[name])
    if ndim == 2 and spacing[0] == spacing[1]:  # along unequal pixels nobody says what it is
        found[f"perimeter_{unit}"] = float(region.perimeter)
    for axis, name in enumerate(axes.names):
        found[f"centroid_{name}_{unit}"] = float(region.centroid[axis] + box.start[axis] * spacing[axis])
    for axis, name in enumerate(axes.names):
        found[f"box_{name}_start_px"], found[f"box_{name}_stop_px"] = box.start[axis], box.stop[axis]
    return found if image is None else found | _intensities(image[pixels], channels)


def _intensities(values: NDArray[Any], channels: Sequence[str]) -> dict[str, float]:
    """Return the statistics of the values (N,) or (N, C) of an object."""
    columns = [("intensity", values)]
    if channels:
        columns = [(f"intensity_{name}", values[:, i]) for i, name in enumerate(channels)]
    found: dict[str, float] = {}
    for name, column in columns:
        exact = column.astype(np.float64)
        found |= {f"{name}_mean": exact.mean(), f"{name}_min": exact.min(), f"{name}_max": exact.max()}
        found |= {f"{name}_sum": exact.sum(), f"{name}_std": exact.std()}
    return {name: float(value) for name, value in found.items()}


def touching_pairs(labels: NDArray[np.integer]) -> set[tuple[int, int]]:
    """Return the pairs of objects that share an edge (2-D) or a face (3-D) of a pixel, the lower id first.

    Parameters
    ----------
    labels
        (*spatial), 0 background, ids below 2³².
    """
    found: set[int] = set()
    for axis in range(labels.ndim):
        first = np.moveaxis(labels, axis, 0)[:-1]
        second = np.moveaxis(labels, axis, 0)[1:]
        touch = (first != second) & (first > 0) & (second > 0)
        one, other = first[touch].astype(np.uint64), second[touch].astype(np.uint64)
        # as one number each, for pairs take long to sort
        packed = np.minimum(one, other) << np.uint64(_ID_BITS) | np.maximum(one, other)
        found.update(np.unique(packed).tolist())
    return {(pair >> _ID_BITS, pair & (1 << _ID_BITS) - 1) for pair in found}
