"""Bring images and labels to another pixel grid that covers the same field of view."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError

_ROWS = 256
"""Rows of labels that are enlarged at a time."""

if TYPE_CHECKING:
    from scipy.sparse import csr_array


Steps = Sequence[Fraction]
"""Length of an output pixel in input pixels, along each of the axes that are resampled."""


def resample_image(
    array: NDArray[np.floating], shape: Sequence[int], steps: Steps | None = None
) -> NDArray[np.float32]:
    """Resample the trailing axes of an image to `shape`: linear interpolation, smoothed where it shrinks.

    Pixel i of n_out lies at ``c = (i + 0.5) s`` with ``s = n_in / n_out`` and is the mean of the input pixels
    weighted by ``max(0, 1 - |j + 0.5 - c| / max(s, 1))``, along one axis after the other.
    The field of view stays, so nothing shifts. This is the antialiased linear resize of Pillow and PyTorch.

    Leading axes, such as channels or classes, are kept. Returns (*leading, *shape) float32.

    Parameters
    ----------
    steps
        s along each axis, where it must be the same for pieces of one image whatever their lengths are: the
        far end of the field of view may then move by half an output pixel.
    """
    target = tuple(shape)
    _refuse_other_axes(array.shape, target)
    pixels = array.astype(np.float32, copy=False)
    first = array.ndim - len(target)
    for axis, (n_out, step) in enumerate(zip(target, _steps(array.shape, target, steps), strict=True), first):
        if pixels.shape[axis] != n_out or step != 1:
            pixels = _resample_axis(pixels, axis, n_out, float(step))
    return pixels


def resample_labels(
    array: NDArray[np.generic], shape: Sequence[int], steps: Steps | None = None
) -> NDArray[np.generic]:
    """Resample the trailing axes of labels to `shape`: each pixel takes the label under its centre.

    A centre on the border of two pixels takes the one before and the one after it in turn: always the same
    would move all objects by half a pixel when the number of pixels is halved.
    For `steps` see `resample_image`.
    """
    target = tuple(shape)
    _refuse_other_axes(array.shape, target)
    first = array.ndim - len(target)
    for axis, (n_out, step) in enumerate(zip(target, _steps(array.shape, target, steps), strict=True), first):
        n_in = array.shape[axis]
        if n_in != n_out or step != 1:
            array = array.take(np.minimum(_nearest(n_out, step), n_in - 1), axis=axis)
    return array


def enlarge_labels(
    array: NDArray[np.generic], shape: Sequence[int], steps: Steps | None = None
) -> NDArray[np.generic]:
    """Bring labels to a finer grid with smooth outlines; as `resample_labels` where no axis of a plane grows.

    Within a plane each pixel takes, of the labels of the four old pixels around its centre, the one with the
    largest sum of bilinear weights. The label under the centre alone would give outlines like stairs.
    For `steps` see `resample_image`.
    """
    target = tuple(shape)
    _refuse_other_axes(array.shape, target)
    plane = array.shape[-2:]
    lengths = _steps(array.shape, target, steps)
    if array.ndim < 2 or len(target) < 2 or max(lengths[-2:]) > 1:
        return resample_labels(array, target, lengths)
    kept = resample_labels(array, (*target[:-2], *plane), (*lengths[:-2], Fraction(1), Fraction(1)))
    if target[-2:] == plane and all(length == 1 for length in lengths[-2:]):
        return kept
    planes = [_enlarge_plane(one, target[-2:], lengths[-2:]) for one in kept.reshape(-1, *plane)]
    return np.stack(planes).reshape(*kept.shape[:-2], *target[-2:])


def _enlarge_plane(
    plane: NDArray[np.generic], shape: tuple[int, ...], steps: tuple[Fraction, ...]
) -> NDArray[np.generic]:
    (above, below, down), (left, right, along) = (
        _around(n_in, n_out, float(step)) for n_in, n_out, step in zip(plane.shape, shape, steps, strict=True)
    )
    result = np.empty(shape, plane.dtype)
    for start in range(0, shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        corners = [plane[y[rows]][:, x] for y in (above, below) for x in (left, right)]
        shares = [v[rows, None] * h for v in (1 - down, down) for h in (1 - along, along)]
        result[rows] = _heaviest(corners, shares)
    return result


def _heaviest(
    corners: Sequence[NDArray[np.generic]], shares: Sequence[NDArray[np.float32]]
) -> NDArray[np.generic]:
    """Return for each pixel the label with the largest sum of shares, the first of those that are equal."""
    best, most = corners[0], np.zeros(corners[0].shape, np.float32)
    for one in corners:
        weight = sum(np.where(other == one, share, 0) for other, share in zip(corners, shares, strict=True))
        is_more = weight > most
        best, most = np.where(is_more, one, best), np.where(is_more, weight, most)
    return best


def _steps(n_in: Sequence[int], n_out: Sequence[int], steps: Steps | None) -> tuple[Fraction, ...]:
    """Return the given steps, or those with which the field of view stays exactly."""
    if steps is not None:
        return tuple(steps)
    lengths = n_in[len(n_in) - len(n_out) :]
    return tuple(Fraction(old, new) for old, new in zip(lengths, n_out, strict=True))


def _around(
    n_in: int, n_out: int, step: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return the input pixels before and after each output pixel's centre, and the share of the latter."""
    centres = (np.arange(n_out) + 0.5) * step - 0.5
    first = np.floor(centres).astype(np.intp)
    share = (centres - first).astype(np.float32)
    return np.clip(first, 0, n_in - 1), np.clip(first + 1, 0, n_in - 1), share


def _nearest(n_out: int, step: Fraction) -> NDArray[np.intp]:
    """Return the input pixels under ``(i + 0.5) step``, in integers so that borders are exact."""
    index = np.arange(n_out)
    under, beyond = np.divmod((2 * index + 1) * step.numerator, 2 * step.denominator)
    is_border_to_the_left = (beyond == 0) & (index % 2 == 0)
    return np.where(is_border_to_the_left, under - 1, under)


def _resample_axis(pixels: NDArray[np.float32], axis: int, n_out: int, step: float) -> NDArray[np.float32]:
    n_in = pixels.shape[axis]
    front = np.moveaxis(pixels, axis, 0)
    mixed = _weights(n_in, n_out, step) @ np.ascontiguousarray(front).reshape(n_in, -1)
    return np.ascontiguousarray(np.moveaxis(mixed.reshape(n_out, *front.shape[1:]), 0, axis))


def _weights(n_in: int, n_out: int, step: float) -> csr_array:
    """Return the matrix (n_out, n_in) float32 that resamples one axis; each row adds up to 1."""
    from scipy.sparse import coo_array

    reach = max(step, 1.0)
    centres = (np.arange(n_out)[:, None] + 0.5) * step
    columns = np.floor(centres - reach).astype(np.intp) + np.arange(int(np.ceil(2 * reach)) + 1)
    weights = np.clip(1 - np.abs(columns + 0.5 - centres) / reach, 0, None)
    weights[(columns < 0) | (columns >= n_in)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(n_out)[:, None], columns.shape)
    entries = (weights.ravel().astype(np.float32), (rows.ravel(), np.clip(columns, 0, n_in - 1).ravel()))
    matrix = coo_array(entries, shape=(n_out, n_in)).tocsr()
    matrix.eliminate_zeros()
    return matrix


def _refuse_other_axes(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    if not 0 < len(target) <= len(shape) or 0 in target:
        raise InputError(f"cannot resample shape {shape} to {target}: give a positive length for each axis")
