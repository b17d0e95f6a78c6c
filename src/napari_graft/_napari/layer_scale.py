"""The pixel size that the place of a layer in the viewer's world means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from napari.layers import Image
from napari.utils.transforms import Affine

from napari_graft.core.axes import SPATIAL_NAMES, Axes, nanometres_per
from napari_graft.core.errors import InputError
from napari_graft.io.pixel_sizes import SizeNote, StatedSize, judge_sizes, state_size

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
