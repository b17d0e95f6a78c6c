"""Bring images and labels to another pixel grid that covers the same field of view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError


def scaled_shape(
    shape: Sequence[int], from_pixel_size: Sequence[float], to_pixel_size: Sequence[float]
) -> tuple[int, ...]:
    """Return how many pixels of another size cover the same field of view, at least 1 along each axis."""
    sizes = zip(shape, from_pixel_size, to_pixel_size, strict=True)
    return tuple(max(1, round(n * old / new)) for n, old, new in sizes)


def resample_image(array: NDArray[np.floating], shape: Sequence[int]) -> NDArray[np.float32]:
    """Resample the trailing axes of an image to `shape`: linear, and smoothed first where it shrinks.

    Output pixel i lies at ``(i + 0.5) n_in / n_out - 0.5``: the field of view stays, nothing shifts.
    Leading axes, such as channels or classes, are kept. Returns (*leading, *shape) float32.
    """
    from scipy import ndimage

    pixels = np.asarray(array, np.float32)
    target = tuple(shape)
    _refuse_other_axes(pixels.shape, target)
    if pixels.shape[-len(target) :] == target:
        return pixels
    leading = pixels.shape[: -len(target)]
    images = pixels.reshape(-1, *pixels.shape[-len(target) :])
    factors = [n_in / n_out for n_in, n_out in zip(images.shape[1:], target, strict=True)]
    blur = [max(0.0, (factor - 1) / 2) for factor in factors]
    resized = [
        ndimage.zoom(
            ndimage.gaussian_filter(image, blur, mode="nearest"),
            [1 / factor for factor in factors],
            order=1,
            mode="nearest",
            grid_mode=True,
        )
        for image in images
    ]
    return np.stack(resized).astype(np.float32, copy=False).reshape(*leading, *target)


def resample_labels(array: NDArray[np.generic], shape: Sequence[int]) -> NDArray[np.generic]:
    """Resample the trailing axes of labels to `shape`: each pixel takes the label under its centre."""
    target = tuple(shape)
    _refuse_other_axes(array.shape, target)
    first = array.ndim - len(target)
    for axis, n_out in enumerate(target, start=first):
        n_in = array.shape[axis]
        if n_in != n_out:
            # floor((i + 0.5) n_in / n_out) in integers: a float would put some centres on the wrong side
            array = array.take((2 * np.arange(n_out) + 1) * n_in // (2 * n_out), axis=axis)
    return array


def _refuse_other_axes(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    if not 0 < len(target) <= len(shape) or 0 in target:
        raise InputError(
            f"cannot resample an array of shape {shape} to {target}: give a positive length for each axis"
        )
